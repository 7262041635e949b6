"""Mutants that misuse the stride."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, contracted, conv, finished, mutant, padded, pair, resolve, windows


@mutant(
    "Reads a stride pair as (width, height).",
    mechanism="swapped_axes",
    killed_by=("stride.pair", "stride.remainder"),
)
def stride_pair_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, pair(stride)[::-1], padding, dilation, groups)


@mutant("Uses the height's stride for the width too.", mechanism="axis_shared", killed_by=("stride.remainder",))
def stride_square(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, pair(stride)[0], padding, dilation, groups)


@mutant(
    "Rounds the output size up if the stride leaves a remainder.",
    mechanism="wrong_shape",
    killed_by=("laws.stride", "stride.int", "stride.remainder"),
)
def output_size_rounded_up(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    room = [
        -(size + sum(side) - extent) % step
        for size, side, extent, step in zip(input.shape[2:], problem.pads, problem.extent, problem.stride, strict=True)
    ]
    pads = tuple((side[0], side[1] + more) for side, more in zip(problem.pads, room, strict=True))
    fields = windows(padded(input, pads), problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@mutant(
    "Drops the last output column if the stride leaves a remainder.",
    mechanism="wrong_shape",
    killed_by=("stride.int", "stride.remainder"),
)
def remainder_drops_last_output(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    rest = (input.shape[3] + sum(problem.pads[1]) - problem.extent[1]) % problem.stride[1]
    return output[..., :-1].copy() if rest and output.shape[3] > 1 else output


@mutant(
    "Subsamples the dense answer from the stride's last position instead of its first.",
    mechanism="shifted_output",
    killed_by=("stride.int",),
)
def subsampled_from_the_wrong_phase(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    dense = computed(problem.replace(stride=(1, 1)), input, weight, bias)
    (sh, sw), (height, width) = problem.stride, problem.output_size
    rows = np.minimum(np.arange(height) * sh + sh - 1, dense.shape[2] - 1)
    columns = np.minimum(np.arange(width) * sw + sw - 1, dense.shape[3] - 1)
    return dense[:, :, rows][:, :, :, columns]


@mutant(
    "Caps the stride at the kernel's size.",
    mechanism="argument_ignored",
    killed_by=("stride.larger_than_the_kernel", "stride.remainder"),
)
def stride_capped_by_kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    step = tuple(min(s, k) for s, k in zip(problem.stride, problem.kernel, strict=True))
    output = computed(problem.replace(stride=step), input, weight, bias)
    return output[:, :, : problem.output_size[0], : problem.output_size[1]].copy()


@mutant(
    "Caps the height's stride at 2.",
    mechanism="argument_ignored",
    killed_by=("stride.int", "stride.list"),
)
def stride_of_three_is_two(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    done = problem.replace(stride=(min(2, problem.stride[0]), problem.stride[1]))
    return computed(done, input, weight, bias)[:, :, : problem.output_size[0]].copy()


@mutant(
    "Ignores the dilation if the width has both a stride and a dilation.",
    mechanism="argument_ignored",
    killed_by=("covering.squares.dilated",),
)
def strided_without_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if problem.stride[1] == 1 or problem.dilation[1] == 1:
        return output
    return computed(problem.replace(dilation=(1, 1)), input, weight, bias)[
        :, :, : output.shape[2], : output.shape[3]
    ].copy()


@mutant(
    "Reads the next row's first column at the right border if the stride is 2 and the width odd.",
    mechanism="tile_border",
    killed_by=("stride.int",),
)
def stride_two_on_odd_width(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if problem.stride[1] == 2 and problem.width % 2 and output.size:
        output[..., :-1, -1] = output[..., 1:, 0]
    return output
