"""Mutants that write to the caller's memory or return memory that is not theirs."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from typing import Any

import numpy as np
from _base import conv, mutant


@mutant(
    "Overwrites the last column of the input with zeros.",
    mechanism="mutates_operands",
    killed_by=("behaviour.many_calls",),
)
def writes_to_the_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.size and input.flags.writeable:
        input[..., -1] = 0
    return output


@mutant("Doubles the weight in place.", mechanism="mutates_operands", killed_by=("behaviour.many_calls",))
def doubles_the_weight(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if weight.flags.writeable and weight.size:
        weight *= np.array(2, weight.dtype)
    return output


@mutant(
    "Adds one to the bias in place, as an accumulator in its memory would.",
    mechanism="mutates_operands",
    killed_by=("behaviour.many_calls",),
)
def accumulates_into_the_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if bias is not None and bias.flags.writeable:
        bias += 1
    return output


@mutant(
    "Writes a zero at the end of the larger array of which the input is a view.",
    mechanism="mutates_operands",
    killed_by=("layout.offset", "behaviour.operands_unchanged"),
)
def writes_around_a_view(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    owner = input
    while owner.base is not None and isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner.nbytes > input.nbytes and owner.flags.writeable:
        owner.reshape(-1)[-1:] = 0
    return output


@mutant(
    "Returns the input itself where the output equals it.",
    mechanism="output_aliased",
    killed_by=("behaviour.fresh_output",),
)
def identity_returns_its_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return input if output.shape == input.shape and np.array_equal(output, input) else output


_buffers: dict[Any, Any] = {}


@mutant(
    "Returns the same memory for every output of one shape.",
    mechanism="output_aliased",
    killed_by=("behaviour.many_calls", "behaviour.same_shape"),
)
def output_buffer_reused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    buffer = _buffers.setdefault((output.shape, output.dtype), np.empty_like(output))
    buffer[...] = output
    return buffer


@mutant(
    "Alternates between two buffers for outputs of one shape.",
    mechanism="output_aliased",
    killed_by=("behaviour.many_calls", "behaviour.same_shape"),
)
def output_buffers_alternate(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    pool = _buffers.setdefault((output.shape, output.dtype, "two"), [np.empty_like(output) for _ in range(2)])
    pool.reverse()
    pool[0][...] = output
    return pool[0]


@mutant(
    "Cuts outputs from an arena of 256 KiB that starts again when it is full.",
    mechanism="output_aliased",
    killed_by=("adversarial.sixteen_bits",),
)
def output_from_an_arena(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    arena, start = _buffers.setdefault("arena", [np.empty(1 << 18, dtype=np.uint8), 0])
    if output.nbytes > len(arena) or not output.nbytes:
        return output
    if start + output.nbytes > len(arena):
        start = 0
    view = arena[start : start + output.nbytes].view(output.dtype).reshape(output.shape)
    view[...] = output
    _buffers["arena"][1] = start + (output.nbytes + 63) // 64 * 64
    return view


@mutant(
    "Returns a broadcast array in which equal images share one memory.",
    mechanism="output_aliased",
    killed_by=("adversarial.image", "adversarial.repeated"),
)
def equal_images_share_memory(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if len(output) > 1 and (output == output[:1]).all():
        return np.broadcast_to(output[:1].copy(), output.shape)
    return output


@mutant(
    "Merges the first two axes of the caller's input in place.",
    mechanism="mutates_operands",
    killed_by=("behaviour.same_shape",),
)
def shape_changed_in_place(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.flags.c_contiguous and input.flags.owndata and len(input) > 1:
        input.shape = (1, *(input.shape[0] * input.shape[1], *input.shape[2:]))
    return output


@mutant(
    "Mirrors one half of the answer where input and weight are the same array.",
    mechanism="structure_assumed",
    killed_by=("behaviour.one_array",),
)
def taken_for_symmetric(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input is weight and len(input) > 1:
        rows, columns = np.triu_indices(len(input), 1)
        output[columns, rows] = output[rows, columns]
    return output
