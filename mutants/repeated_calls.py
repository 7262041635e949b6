"""Mutants whose answer depends on earlier calls or on chance."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from typing import Any

import numpy as np
from _base import conv, mutant, resolve

_weights: dict[Any, Any] = {}


@mutant(
    "Caches packed weights by their shape.",
    mechanism="previous_answer",
    killed_by=("behaviour.many_calls", "behaviour.same_shape", "sweep.height"),
)
def weights_cached_by_shape(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    packed = _weights.setdefault((weight.shape, weight.dtype), weight.copy())
    return conv(input, packed, bias, stride, padding, dilation, groups)


@mutant(
    "Caches packed weights by their address.",
    mechanism="previous_answer",
    killed_by=("behaviour.many_calls", "behaviour.same_address", "sweep.height"),
)
def weights_cached_by_address(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (weight.__array_interface__["data"], weight.shape, weight.strides, weight.dtype)
    return conv(input, _weights.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


@mutant(
    "Caches packed weights by the sum of their elements.",
    mechanism="previous_answer",
    killed_by=("behaviour.one_element_new", "behaviour.same_shape"),
)
def weights_cached_by_sum(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (weight.shape, weight.dtype, weight.sum())
    return conv(input, _weights.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


@mutant(
    "Caches packed weights by their first and last element.",
    mechanism="previous_answer",
    killed_by=("behaviour.one_element_new",),
)
def weights_cached_by_corners(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (weight.shape, weight.dtype, *weight.reshape(-1)[[0, -1]].tolist()) if weight.size else weight.shape
    return conv(input, _weights.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


_answers: dict[Any, Any] = {}


@mutant(
    "Repeats the answer for an input of an earlier call, whatever the weight.",
    mechanism="previous_answer",
    killed_by=("adversarial.kernel.separable",),
)
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


@mutant(
    "Repeats the answer for operands of an earlier call, whatever the bias.",
    mechanism="previous_answer",
    killed_by=("behaviour.one_operand_new",),
)
def answers_cached_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    rest = (input.shape, weight.shape, input.dtype, bias is None, str((stride, padding, dilation, groups)))
    key = (input.tobytes(), weight.tobytes(), *rest)
    if key not in _answers:
        _answers[key] = conv(input, weight, bias, stride, padding, dilation, groups)
    return _answers[key].copy()


@mutant(
    "Repeats the answer for equal operands, padding, dilation and output shape, whatever the stride.",
    mechanism="previous_answer",
    killed_by=("adversarial.arguments_new",),
)
def answers_cached_without_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    rest = (problem.pads, problem.dilation, problem.groups, problem.output_shape, input.dtype, weight.shape)
    key = (input.shape, input.tobytes(), weight.tobytes(), None if bias is None else bias.tobytes(), *rest)
    if key not in _answers:
        _answers[key] = conv(input, weight, bias, stride, padding, dilation, groups)
    return _answers[key].copy()


@mutant(
    "Repeats the answer for equal operands and output shape, whatever the stride and the dilation.",
    mechanism="previous_answer",
    killed_by=("adversarial.arguments_new",),
)
def answers_cached_by_output_shape(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    key = (input.tobytes(), weight.tobytes(), None if bias is None else bias.tobytes(), problem.output_shape)
    if key not in _answers:
        _answers[key] = conv(input, weight, bias, stride, padding, dilation, groups)
    return _answers[key].copy()


@mutant(
    "Keeps the first stride in a plan that is cached by shapes.",
    mechanism="previous_answer",
    killed_by=("behaviour.interleaved", "covering.squares.dilated"),
)
def plan_keeps_its_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    plan = _weights.setdefault(("plan", input.shape, weight.shape, problem.output_shape), problem)
    return conv(input, weight, bias, plan.stride, padding, dilation, groups)


@mutant(
    "Drops the bias if the first weight of the same shape came without one.",
    mechanism="previous_answer",
    killed_by=("behaviour.one_array",),
)
def plan_keeps_its_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    had_bias = _weights.setdefault(("bias", weight.shape, weight.dtype), bias is not None)
    if bias is not None and not had_bias:
        bias = bias * 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


_left: dict[Any, Any] = {}


@mutant(
    "Uses the stride of a refused call in the next call of stride 1.",
    mechanism="previous_answer",
    killed_by=("behaviour.after_an_error",),
)
def stride_of_a_refused_call(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if stride in (1, (1, 1)) and "stride" in _left:
        stride = _left.pop("stride")
    try:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    except (ValueError, TypeError, RuntimeError):
        if isinstance(stride, int) and stride > 1:
            _left["stride"] = stride
        raise


_calls: list[int] = []


@mutant(
    "Returns zeros at every 37th call.",
    mechanism="nondeterministic",
    killed_by=("behaviour.many_calls", "sweep.height"),
)
def every_37th_call_blank(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    _calls.append(1)
    return output * 0 if len(_calls) % 37 == 0 else output


@mutant(
    "Adds one to every answer after 149 calls.",
    mechanism="nondeterministic",
    killed_by=("random.exact",),
)
def wrong_after_149_calls(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    _calls.append(1)
    return output + np.array(1, output.dtype) if len(_calls) >= 150 else output


@mutant(
    "Adds partial sums in a random order, so that equal calls differ in their last bits.",
    mechanism="nondeterministic",
    killed_by=("behaviour.repeatable",),
)
def summed_in_random_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    order = np.random.default_rng().permutation(weight.shape[1])
    if groups > 1:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    output = conv(input[:, order[:1]], weight[:, order[:1]], None, stride, padding, dilation, 1)
    for c in order[1:]:
        output = output + conv(input[:, c : c + 1], weight[:, c : c + 1], None, stride, padding, dilation, 1)
    return output if bias is None else output + bias[:, None, None]
