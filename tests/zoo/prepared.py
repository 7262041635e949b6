"""Faults in the part that is done once per layer."""

import numpy as np
from _parts import computed, conv, fault

from convgauge import implementation


@fault("A prepared layer forgets its bias.", caught_by=["prepare", "behaviour"])
@implementation(framework="numpy", algorithm="direct")
def prepared_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepares without the bias."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


@prepared_without_bias.prepare
def _without_bias(problem, weight, bias):
    return lambda input: computed(problem.replace(bias=False), input, weight, None)


@fault("All layers prepared share the weights of the last.", caught_by=["prepare", "behaviour"])
@implementation(framework="numpy", algorithm="direct")
def prepared_weights_shared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepares into a module's global."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


_last = {}


@prepared_weights_shared.prepare
def _shared(problem, weight, bias):
    _last["weight"] = weight.copy()
    return lambda input: computed(problem, input, _last["weight"], bias)


@fault("Preparing packs the filters in float16.", caught_by=["prepare", "accuracy"])
@implementation(framework="numpy", algorithm="direct")
def prepared_in_half(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepares in half precision."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


@prepared_in_half.prepare
def _in_half(problem, weight, bias):
    with np.errstate(all="ignore"):
        packed = weight.astype(np.float16).astype(weight.dtype) if weight.dtype.kind == "f" else weight
    return lambda input: computed(problem, input, packed, bias)


@fault("A prepared layer gives every answer in the same memory.", caught_by=["prepare", "behaviour"])
@implementation(framework="numpy", algorithm="direct")
def prepared_buffer_reused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepares one output for all runs."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


@prepared_buffer_reused.prepare
def _reused(problem, weight, bias):
    kept = np.empty(problem.output_shape, dtype=weight.dtype)

    def run(input):
        kept[...] = computed(problem, input, weight, bias)
        return kept

    return run
