"""Mutants that are wrong only in a prepared layer."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from typing import Any

import numpy as np
from _base import computed, conv, mutant

from convgauge import implementation


@mutant(
    "Drops the bias in a prepared layer.",
    mechanism="bias_dropped",
    killed_by=("prepare.equals", "prepare.two_layers"),
)
@implementation(framework="numpy", algorithm="direct")
def prepared_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepare without the bias."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


@prepared_without_bias.prepare
def _without_bias(problem, weight, bias):
    return lambda input: computed(problem.replace(bias=False), input, weight, None)


_last: dict[Any, Any] = {}


@mutant(
    "Uses the weight that was prepared last in all prepared layers.",
    mechanism="previous_answer",
    killed_by=("prepare.two_layers",),
)
@implementation(framework="numpy", algorithm="direct")
def prepared_weights_shared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepare into a global of the module."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


@prepared_weights_shared.prepare
def _shared(problem, weight, bias):
    _last["weight"] = weight.copy()
    return lambda input: computed(problem, input, _last["weight"], bias)


@mutant(
    "Rounds the filters to float16 in prepared layers.",
    mechanism="narrowed_operands",
    killed_by=("prepare.accuracy", "prepare.overwritten", "prepare.two_layers"),
)
@implementation(framework="numpy", algorithm="direct")
def prepared_in_half(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepare in half precision."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


@prepared_in_half.prepare
def _in_half(problem, weight, bias):
    with np.errstate(all="ignore"):
        packed = weight.astype(np.float16).astype(weight.dtype) if weight.dtype.kind == "f" else weight
    return lambda input: computed(problem, input, packed, bias)


@mutant(
    "Returns every answer of a prepared layer in the same memory.",
    mechanism="output_aliased",
    killed_by=("prepare.several_inputs",),
)
@implementation(framework="numpy", algorithm="direct")
def prepared_buffer_reused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepare a single output for all runs."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


@prepared_buffer_reused.prepare
def _reused(problem, weight, bias):
    buffer = np.empty(problem.output_shape, dtype=weight.dtype)

    def run(input):
        buffer[...] = computed(problem, input, weight, bias)
        return buffer

    return run


@mutant(
    "Drops the last row of kernels of five or more rows in prepared layers with a stride.",
    mechanism="tail_dropped",
    killed_by=("prepare.two_layers", "random.prepared"),
    tier="standard",
)
@implementation(framework="numpy", algorithm="direct")
def prepared_without_its_last_row(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepare filters of up to four rows."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


@prepared_without_its_last_row.prepare
def _cut(problem, weight, bias):
    packed = weight.copy()
    if problem.stride[0] > 1 and problem.kernel[0] >= 5:
        packed[:, :, -1] = 0
    return lambda input: computed(problem, input, packed, bias)
