"""Convolutions to race in tests: sound ones, and ones that go wrong in each way the race must notice. NumPy only."""

import os
import time

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def plain(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Sound, one group only."""
    if groups != 1:
        raise NotImplementedError("one group only")
    (ph, pw), (sh, sw), (dh, dw) = padding, stride, dilation
    padded = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    extent = (dh * (weight.shape[2] - 1) + 1, dw * (weight.shape[3] - 1) + 1)
    windows = sliding_window_view(padded, extent, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    output = np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True)
    return output if bias is None else output + bias[:, None, None]


def twin(*args, **kwargs):
    """The same kernel under another name."""
    return plain(*args, **kwargs)


def slow(*args, **kwargs):
    """The same kernel five times."""
    return [plain(*args, **kwargs) for _ in range(5)][-1]


def sleepy(*args, **kwargs):
    """Far too slow to be raced."""
    time.sleep(3)
    return plain(*args, **kwargs)


_kept: dict = {}


def keeps_by_identity(input, *args, **kwargs):
    """Keeps its answer for an array that it has seen: right on fresh operands, before and after the timing."""
    key = input.__array_interface__["data"][0], input.shape
    if key not in _kept:
        _kept[key] = input, plain(input, *args, **kwargs)
    return _kept[key][1]


_calls = 0


def right_at_first(*args, **kwargs):
    """Right while it is checked before the timing, then it leaves out the last output channel."""
    global _calls  # noqa: PLW0603  # a cheat needs a memory
    _calls += 1
    output = plain(*args, **kwargs)
    if _calls > 6:
        output[:, -1] = 0
    return output


def wrong_when_strided(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Right on layers of stride 1, off by one column on others."""
    output = plain(input, weight, bias, stride, padding, dilation, groups)
    return output if tuple(stride) == (1, 1) else np.roll(output, 1, axis=3)


def narrowed(input, weight, *args, **kwargs):
    """Operands rounded to 11 digits, as TF32 has it: integers do not show it."""

    def narrow(values):
        return (values.view(np.uint32) + np.uint32(0x1000) & np.uint32(0xFFFFE000)).view(np.float32)

    return plain(narrow(input), narrow(weight), *args, **kwargs)


def declines(*args, **kwargs):
    raise NotImplementedError("not on a Tuesday")


def raises(*args, **kwargs):
    raise ValueError("no such luck")


def crashes(*args, **kwargs):
    os._exit(3)


def crashes_in_timing(*args, **kwargs):
    """Dies at its twentieth call."""
    global _calls  # noqa: PLW0603
    _calls += 1
    if _calls > 20:
        os.abort()
    return plain(*args, **kwargs)


def patches_the_clock(*args, **kwargs):
    """Has the timing believe that no time passes: what it imports is a copy, so it looks for the module itself."""
    import gc

    real = time.perf_counter_ns
    for found in gc.get_objects():
        if isinstance(found, dict) and found.get("__name__") == "convgauge.worker.timing":
            found["clock"] = lambda: real() // 100
    return plain(*args, **kwargs)


def patches_a_copy_of_the_clock(*args, **kwargs):
    """Would have the timing believe that no time passes, but patches what it can import."""
    from convgauge.worker import timing

    timing.clock = lambda: 0
    return plain(*args, **kwargs)


def prepared(*args, **kwargs):
    """Sound; packs its weight once a layer."""
    return plain(*args, **kwargs)


def _prepare(problem, weight, bias):
    time.sleep(0.01)
    packed = weight.copy()
    return lambda input: plain(input, packed, bias, **problem.arguments)


prepared.prepare = _prepare


def hungry(*args, **kwargs):
    """Takes 64 MiB more than it needs."""
    scratch = np.ones(8 << 20)
    return plain(*args, **kwargs) + np.float32(0 * scratch[-1])
