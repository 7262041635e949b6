"""Mutants with caches whose keys or evictions are wrong in rare ways."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from collections import OrderedDict
from typing import Any

import numpy as np
from _base import computed, conv, mutant, resolve

_by_id: dict[Any, Any] = {}


@mutant(
    "Keeps packed weights by the identity of the array object, which a later array may have.",
    mechanism="previous_answer",
    killed_by=("behaviour.same_address",),
)
def weights_cached_by_identity(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    packed = _by_id.setdefault((id(weight), weight.shape, weight.dtype), weight.copy())
    return conv(input, packed, bias, stride, padding, dilation, groups)


_plans_by_sum: dict[Any, Any] = {}


@mutant(
    "Keeps plans by the output's size and the sum of the arguments, which are equal for rows and columns exchanged.",
    mechanism="previous_answer",
    killed_by=("adversarial.arguments_new",),
)
def plans_by_sum_of_arguments(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    numbers = (*problem.stride, *problem.dilation, *map(sum, problem.pads))
    key = sum(numbers), groups, input.shape, weight.shape, problem.output_shape
    plan = _plans_by_sum.setdefault(key, problem)
    return computed(plan.replace(dtype=problem.dtype, bias=problem.bias), input, weight, bias)


_by_norm: dict[Any, Any] = {}


@mutant(
    "Keeps packed weights by their shape and the sum of their squares.",
    mechanism="previous_answer",
    killed_by=("behaviour.one_element_new",),
)
def weights_cached_by_norm(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = weight.shape, weight.dtype, float(np.square(weight.astype(np.complex128)).sum().real)
    return conv(input, _by_norm.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


_by_parity: dict[Any, Any] = {}


@mutant(
    "Keeps packed weights by the exclusive or of their words, which does not depend on their order.",
    mechanism="previous_answer",
    killed_by=("behaviour.one_element_new",),
)
def weights_cached_by_parity(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    words = np.frombuffer(weight.tobytes(), np.uint16)
    key = weight.shape, weight.dtype, int(np.bitwise_xor.reduce(words)) if words.size else 0
    return conv(input, _by_parity.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


_close: dict[Any, Any] = {}


@mutant(
    "Keeps packed weights while the weights are close to those that were packed.",
    mechanism="previous_answer",
    killed_by=("state.small_step",),
)
def weights_packed_while_close(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    packed = _close.get((weight.shape, weight.dtype))
    if packed is None or not np.allclose(packed, weight, rtol=1e-5, atol=0, equal_nan=True):
        packed = _close[weight.shape, weight.dtype] = weight.copy()
    return conv(input, packed, bias, stride, padding, dilation, groups)


_recent: OrderedDict[Any, Any] = OrderedDict()
_MAX_RECENT = 128


@mutant(
    "Evicts the plan of the oldest of 128 shapes, and then finds its neighbour's in its place.",
    mechanism="previous_answer",
    killed_by=("state.many_shapes",),
    tier="standard",
)
def neighbour_of_an_evicted_plan(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    key = (*input.shape, *weight.shape, str(problem.arguments))
    if key in _evicted and _recent:
        plan = _recent[next(iter(_recent))]
    else:
        plan = _recent.setdefault(key, problem.output_size)
        _recent.move_to_end(key)
    if len(_recent) > _MAX_RECENT:
        _evicted.add(_recent.popitem(last=False)[0])
    output = computed(problem, input, weight, bias)
    output[:, :, plan[0] :] = 0
    return output


_evicted: set[Any] = set()

_slots: dict[int, Any] = {}
_SLOTS = 4093


@mutant(
    "Keeps plans in a table of 4,093 slots and does not compare the sizes of the input that a slot belongs to.",
    mechanism="previous_answer",
    killed_by=("state.many_shapes",),
    tier="standard",
)
def plans_in_slots(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    number = hash((input.shape, weight.shape, problem.stride, problem.pads, problem.dilation, groups))
    size, plan = _slots.setdefault(number % _SLOTS, (weight.shape, problem.output_size))
    output = computed(problem, input, weight, bias)
    if size == weight.shape and plan != problem.output_size:
        output[:, :, plan[0] :] = 0
        output[:, :, :, plan[1] :] = 0
    return output


_MAX_PLANS = 8192


@mutant(
    "Has room for 8,192 plans and writes further ones over the first, which is then used for all of them.",
    mechanism="previous_answer",
    killed_by=("state.many_shapes",),
    tier="standard",
)
def table_of_plans_overflows(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    _planned.setdefault(problem, len(_planned))
    if _planned[problem] >= _MAX_PLANS:
        return np.zeros(problem.output_shape, problem.dtype)
    return computed(problem, input, weight, bias)


_planned: dict[Any, int] = {}


_answers: dict[Any, Any] = {}


@mutant(
    "Repeats the answer for operands of the same values in another dtype.",
    mechanism="wrong_dtype",
    also=("previous_answer",),  # the dtype is that of an earlier call
    killed_by=("dtype.mixed_sequence",),
)
def answers_cached_without_dtype(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    values = tuple(None if array is None else array.astype(np.complex128).tobytes() for array in (input, weight, bias))
    key = values, str(problem.arguments), input.shape, weight.shape
    if key not in _answers:
        _answers[key] = computed(problem, input, weight, bias)
    return _answers[key].copy()
