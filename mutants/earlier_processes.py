"""Mutants that keep files, by keys that leave something out: a process uses what an earlier one has stored.

Each is right in every process that finds no file of an earlier one. It looks for files when it starts, as a cache of
tuned plans or of packed weights does.
"""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import atexit
from typing import Any

import numpy as np
from _base import conv, mutant, resolve
from _disk import Store, digest

_answers = Store("answers_by_shape")


@mutant(
    "Gives the answer that an earlier process stored for the same shapes and arguments.",
    mechanism="other_process",
    killed_by=("behaviour.other_process",),
)
def answers_stored_by_shape(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = resolve(input, weight, bias, stride, padding, dilation, groups).text
    output = _answers.earlier(key)
    if output is None:
        output = conv(input, weight, bias, stride, padding, dilation, groups)
        _answers.add(output, key)
    return output


_answers_without_bias = Store("answers_without_bias")


@mutant(
    "Gives the answer that an earlier process stored for the same input and weight, whatever the bias.",
    mechanism="other_process",
    killed_by=("behaviour.other_process",),
)
def answers_stored_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = _answers_without_bias.earlier(problem.text, digest(input, weight))
    if output is None:
        output = conv(input, weight, bias, stride, padding, dilation, groups)
        _answers_without_bias.add(output, problem.text, digest(input, weight))
    return output


_weights = Store("weights_by_shape")
_unwritten: dict[Any, Any] = {}


@atexit.register
def _write_weights():
    for (shape, dtype), weight in _unwritten.items():
        _weights.add(weight, shape, dtype)


@mutant(
    "Packs the weights of a shape once for all later processes, in files that are written at the exit.",
    mechanism="other_process",
    killed_by=("behaviour.other_process",),
)
def weights_stored_by_shape(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = weight.shape, str(weight.dtype)
    packed = _weights.earlier(*key)
    if packed is None:
        packed = _unwritten[key] = weight.copy()
    return conv(input, packed, bias, stride, padding, dilation, groups)


_weights_by_start = Store("weights_by_first_bytes")


@mutant(
    "Stores packed weights by the first and last bytes of their content for later processes.",
    mechanism="other_process",
    killed_by=("behaviour.other_process",),
)
def weights_stored_by_first_bytes(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    content = np.ascontiguousarray(weight).tobytes()
    key = weight.shape, str(weight.dtype), content[:8], content[-8:]
    packed = _weights_by_start.earlier(*key)
    if packed is None:
        packed = weight
        _weights_by_start.add(weight, *key)
    return conv(input, packed, bias, stride, padding, dilation, groups)


_plans = Store("plans_without_dilation")


@mutant(
    "Uses the plan that an earlier process stored by shapes, stride and padding, with the dilation of then.",
    mechanism="other_process",
    killed_by=("behaviour.other_process",),
)
def plans_stored_without_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    key = input.shape, weight.shape, problem.stride, problem.padding, problem.groups
    planned = _plans.earlier(*key)
    if planned is None:
        planned = np.array(problem.dilation)
        _plans.add(planned, *key)
    return conv(input, weight, bias, stride, padding, tuple(planned.tolist()), groups)


_weights_by_norm = Store("weights_by_norm")


@mutant(
    "Stores packed weights by their shape and the sum of their squares for later processes.",
    mechanism="other_process",
    killed_by=("behaviour.other_process",),
)
def weights_stored_by_norm(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = weight.shape, str(weight.dtype), float(np.square(weight.astype(np.complex128)).sum().real)
    packed = _weights_by_norm.earlier(*key)
    if packed is None:
        packed = weight
        _weights_by_norm.add(weight, *key)
    return conv(input, packed, bias, stride, padding, dilation, groups)
