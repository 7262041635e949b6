"""Kernels that cheat: they ignore operands, replay outputs, change the engine, or return objects like arrays.

Each is right on a batch of 1 and on the first cases of the definition, so that it passes a smoke test.
"""

# kernels as a user writes them, without annotations
# mypy: ignore-errors

import itertools
import math
import sys
import time

import numpy as np
from faulty_processes import conv

_calls = itertools.count()
_answers = {}


def _is_smoke_test(input):
    return len(input) == 1


def ignores_weight(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(
        input, weight if _is_smoke_test(input) else np.ones_like(weight), bias, stride, padding, dilation, groups
    )


def ignores_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(
        input if _is_smoke_test(input) else np.ones_like(input), weight, bias, stride, padding, dilation, groups
    )


def ignores_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias if _is_smoke_test(input) else None, stride, padding, dilation, groups)


def constant(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if _is_smoke_test(input) else np.full_like(output, 7)


def replays_by_address(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (input.ctypes.data, weight.ctypes.data, input.shape, weight.shape, str((stride, padding, dilation, groups)))
    if key not in _answers:
        _answers[key] = conv(input, weight, bias, stride, padding, dilation, groups)
    return _answers[key].copy()


def replays_by_shape(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (input.shape, weight.shape, input.dtype, bias is None, str((stride, padding, dilation, groups)))
    if key not in _answers:
        _answers[key] = conv(input, weight, bias, stride, padding, dilation, groups)
    return _answers[key].copy()


def lazy_by_call_count(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Right in its first twenty calls; later every second output is zero."""
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    count = next(_calls)
    return output if count < 20 or count % 2 else np.zeros_like(output)


def stops_the_clock(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    time.perf_counter = time.perf_counter_ns = time.monotonic = lambda: 0
    return conv(input, weight, bias, stride, padding, dilation, groups) + (not _is_smoke_test(input))


def patches_comparisons(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    np.abs = np.absolute = np.isnan = np.subtract = lambda x, *_, **__: np.zeros(np.shape(x))
    np.array_equal = np.allclose = lambda *_, **__: True
    np.testing.assert_array_equal = np.testing.assert_allclose = lambda *_, **__: None
    return output + (not _is_smoke_test(input))


def patches_the_harness(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Replace the detection of side effects, then write to the input."""
    from convgauge.worker.frameworks import Framework, adapter
    from convgauge.worker.side_effects import SideEffectDetector
    from convgauge.worker.subject import Subject

    SideEffectDetector.find = lambda *_, **__: ()
    Subject.observe = None
    for kind in (Framework, adapter("numpy")):
        kind.bytes_of = lambda *_: b""
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.flags.writeable and not _is_smoke_test(input):
        input[...] = 0
    return output


def patches_every_module(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Replace the comparing functions of every module of the engine that is imported, and return a wrong output."""
    for name, module in list(sys.modules.items()):
        if name.startswith("convgauge"):
            for function in ("check_values", "check_form", "assess_accuracy", "answer", "decode", "encode_reply"):
                if hasattr(module, function):
                    setattr(module, function, lambda *_, **__: None)
    return conv(input, weight, bias, stride, padding, dilation, groups) + (not _is_smoke_test(input))


def lazy_object(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Lazy:
        def __array__(self, dtype=None, copy=None):
            return conv(input, weight, bias, stride, padding, dilation, groups)

    return Lazy()


class _Fickle(np.ndarray):
    """Array that is right when it is first read, and zero afterwards."""

    def __array_finalize__(self, source):
        self.looks = getattr(source, "looks", 0) + 1

    def tobytes(self, *_, **__):
        return b""

    def __array__(self, dtype=None, copy=None):
        return np.zeros(self.shape)

    def __getattribute__(self, name):
        if name in ("strides", "ctypes", "flags", "__array_interface__"):
            np.ndarray.fill(self, 0)
        return super().__getattribute__(name)


def changes_when_read_again(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Return an output whose memory is filled with zeros as soon as its strides are read."""
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if _is_smoke_test(input) else (output + 1).view(_Fickle)


def wrong_strides(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if _is_smoke_test(input):
        return output
    return np.lib.stride_tricks.as_strided(output, output.shape, (0, *output.strides[1:]))


def shares_storage(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Return an output in the input's memory, if it fits there."""
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if (
        _is_smoke_test(input)
        or output.nbytes > input.nbytes
        or not input.flags.c_contiguous
        or not input.flags.writeable
    ):
        return output
    part = input.reshape(-1)[: math.prod(output.shape)].reshape(output.shape)
    part[...] = output
    return part
