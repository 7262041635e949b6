"""Faults that a single answer does not show: what is written to, remembered, shared and left changed."""

import random
import sys
import threading
import time
import warnings

import numpy as np
from _parts import conv, fault, resolve

_buffers = {}
_weights = {}
_answers = {}
_calls = []


@fault("The input is scaled in place and left so.", caught_by=["behaviour"])
def writes_to_the_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.size and input.flags.writeable:
        input[..., -1] = 0
    return output


@fault("Weights smaller than a thousandth are zeroed in place.", caught_by=["behaviour"])
def prunes_the_weight(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if weight.flags.writeable and weight.size:
        weight *= np.array(2, weight.dtype)
    return output


@fault("The bias is used as the accumulator.", caught_by=["behaviour"])
def accumulates_into_the_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if bias is not None and bias.flags.writeable:
        bias += 1
    return output


@fault("The input is padded within the memory around it where it is a view of a larger array.",
       caught_by=["layout", "behaviour"])  # fmt: skip
def writes_around_a_view(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    owner = input
    while owner.base is not None and isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner.nbytes > input.nbytes and owner.flags.writeable:
        owner.reshape(-1)[-1:] = 0
    return output


@fault("A pointwise identity gives back its input.", caught_by=["behaviour", "sweep", "covering"])
def identity_returns_its_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return input if output.shape == input.shape and np.array_equal(output, input) else output


@fault("The output of a shape is the same memory at every call.", caught_by=["behaviour", "sweep", "covering"])
def output_buffer_reused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    buffer = _buffers.setdefault((output.shape, output.dtype), np.empty_like(output))
    buffer[...] = output
    return buffer


@fault("Outputs of a shape alternate between two buffers.", caught_by=["behaviour", "adversarial"])
def output_buffers_alternate(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    pool = _buffers.setdefault((output.shape, output.dtype, "two"), [np.empty_like(output) for _ in range(2)])
    pool.reverse()
    pool[0][...] = output
    return pool[0]


@fault("Outputs are cut from one arena of a megabyte, which begins again when it is full.",
       caught_by=["behaviour", "adversarial"])  # fmt: skip
def output_from_an_arena(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    arena, place = _buffers.setdefault("arena", [np.empty(1 << 18, dtype=np.uint8), 0])
    if output.nbytes > len(arena) or not output.nbytes:
        return output
    if place + output.nbytes > len(arena):
        place = 0
    view = arena[place : place + output.nbytes].view(output.dtype).reshape(output.shape)
    view[...] = output
    _buffers["arena"][1] = place + (output.nbytes + 63) // 64 * 64
    return view


@fault("Packed weights are remembered by their shape.", caught_by=["behaviour", "sweep", "covering"])
def weights_cached_by_shape(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    kept = _weights.setdefault((weight.shape, weight.dtype), weight.copy())
    return conv(input, kept, bias, stride, padding, dilation, groups)


@fault("Packed weights are remembered by their address.", caught_by=["behaviour", "sweep", "covering"])
def weights_cached_by_address(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (weight.__array_interface__["data"], weight.shape, weight.strides, weight.dtype)
    return conv(input, _weights.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


@fault(
    "Packed weights are remembered by a checksum: the sum of their elements.", caught_by=["behaviour", "adversarial"]
)
def weights_cached_by_sum(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (weight.shape, weight.dtype, weight.sum())
    return conv(input, _weights.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


@fault("Packed weights are remembered by their corners.", caught_by=["behaviour", "adversarial"])
def weights_cached_by_corners(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (weight.shape, weight.dtype, *weight.reshape(-1)[[0, -1]].tolist()) if weight.size else weight.shape
    return conv(input, _weights.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


@fault("Answers are replayed for an input seen before, whatever the weights.", caught_by=["behaviour", "adversarial"])
def answers_cached_by_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    key = (
        input.tobytes(),
        input.shape,
        input.dtype,
        weight.shape,
        bias is None,
        str((stride, padding, dilation, groups)),
    )
    if key not in _answers:
        _answers[key] = conv(input, weight, bias, stride, padding, dilation, groups)
    return _answers[key].copy()


@fault("Answers are replayed for operands seen before, whatever the bias.", caught_by=["behaviour", "adversarial"])
def answers_cached_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    rest = (input.shape, weight.shape, input.dtype, bias is None, str((stride, padding, dilation, groups)))
    key = (input.tobytes(), weight.tobytes(), *rest)
    if key not in _answers:
        _answers[key] = conv(input, weight, bias, stride, padding, dilation, groups)
    return _answers[key].copy()


@fault("Answers are replayed for operands, padding and dilation seen before, whatever the stride if the shape agrees.",
       caught_by=["behaviour", "adversarial"])  # fmt: skip
def answers_cached_without_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    rest = (problem.pads, problem.dilation, problem.groups, problem.output_shape, input.dtype, weight.shape)
    key = (input.shape, input.tobytes(), weight.tobytes(), None if bias is None else bias.tobytes(), *rest)
    if key not in _answers:
        _answers[key] = conv(input, weight, bias, stride, padding, dilation, groups)
    return _answers[key].copy()


@fault("Answers are replayed for operands seen before, whatever stride and dilation where the shape agrees.",
       caught_by=["behaviour", "adversarial"])  # fmt: skip
def answers_cached_by_output_shape(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    key = (input.tobytes(), weight.tobytes(), None if bias is None else bias.tobytes(), problem.output_shape)
    if key not in _answers:
        _answers[key] = conv(input, weight, bias, stride, padding, dilation, groups)
    return _answers[key].copy()


@fault(
    "The plan made for a shape keeps the first stride it was made for.", caught_by=["behaviour", "sweep", "covering"]
)
def plan_keeps_its_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    kept = _weights.setdefault(("plan", input.shape, weight.shape, problem.output_shape), problem)
    return conv(input, weight, bias, kept.stride, padding, dilation, groups)


@fault(
    "The plan remembers whether there was a bias by the weight's shape.",
    caught_by=["behaviour", "bias", "sweep", "covering"],
)
def plan_keeps_its_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    kept = _weights.setdefault(("bias", weight.shape, weight.dtype), bias is not None)
    if bias is not None and not kept:
        bias = bias * 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Every 37th call gives back zeros.", caught_by=["behaviour", "sweep", "covering"])
def every_37th_call_blank(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    _calls.append(1)
    return output * 0 if len(_calls) % 37 == 0 else output


@fault("From the 150th call on every answer is off by one.", caught_by=["behaviour", "sweep", "covering"])
def wears_out(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    _calls.append(1)
    return output + np.array(1, output.dtype) if len(_calls) >= 150 else output


@fault("Partial sums are added in an order drawn anew: the bits differ from run to run.", caught_by=["behaviour"])
def summed_in_random_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    order = np.random.default_rng().permutation(weight.shape[1])
    if groups > 1:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    output = conv(input[:, order[:1]], weight[:, order[:1]], None, stride, padding, dilation, 1)
    for c in order[1:]:
        output = output + conv(input[:, c : c + 1], weight[:, c : c + 1], None, stride, padding, dilation, 1)
    return output if bias is None else output + bias[:, None, None]


@fault("Two threads share one workspace.", caught_by=["behaviour"])
def workspace_shared_by_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    workspace = _buffers.setdefault((output.shape, output.dtype, "shared"), np.empty_like(output))
    workspace[...] = 0
    time.sleep(0)
    workspace += output
    time.sleep(0)
    return workspace.copy()


@fault("The first of two calls at once gives back the other's answer: arguments live in globals.",
       caught_by=["behaviour", "adversarial"])  # fmt: skip
def arguments_in_globals(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    _buffers["now"] = (input, weight, bias, stride, padding, dilation, groups)
    time.sleep(0.0005)
    return conv(*_buffers["now"])


@fault("Threads beside the first use the bias that the first was last given.", caught_by=["behaviour.threads"])
def bias_of_the_first_thread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if threading.current_thread() is threading.main_thread():
        _buffers["bias"] = bias
    elif bias is not None:
        kept = _buffers["bias"]
        bias = kept if kept is not None and (kept.shape, kept.dtype) == (bias.shape, bias.dtype) else bias
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("NumPy's global random state is seeded.", caught_by=["behaviour"])
def seeds_numpy(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    np.random.seed(0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Python's global random numbers are drawn from.", caught_by=["behaviour"])
def draws_from_random(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    random.random()
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("NumPy's error state is left silent.", caught_by=["behaviour"])
def silences_numpy(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    np.seterr(all="ignore" if np.geterr()["over"] != "ignore" else "warn")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A warning filter is added at every call.", caught_by=["behaviour"])
def filters_warnings(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    warnings.filters.append(("ignore", None, Warning, None, len(warnings.filters)))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The recursion limit is raised.", caught_by=["behaviour"])
def raises_recursion_limit(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    sys.setrecursionlimit(sys.getrecursionlimit() + 1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The result is written into a broadcast array: all images share one memory where they are alike.",
       caught_by=["behaviour", "adversarial"])  # fmt: skip
def alike_images_share_memory(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if len(output) > 1 and (output == output[:1]).all():
        return np.broadcast_to(output[:1].copy(), output.shape)
    return output
