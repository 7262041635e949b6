"""Convolutions to race in tests: correct ones, and one for each fault that the race must notice. NumPy only."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def plain(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compute the convolution, for one group only."""
    if groups != 1:
        raise NotImplementedError("one group only")
    (ph, pw), (sh, sw), (dh, dw) = padding, stride, dilation
    padded = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    extent = (dh * (weight.shape[2] - 1) + 1, dw * (weight.shape[3] - 1) + 1)
    windows = sliding_window_view(padded, extent, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    output = np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True)
    return output if bias is None else output + bias[:, None, None]


def twin(*args, **kwargs):
    """Compute the same under another name."""
    return plain(*args, **kwargs)


def slow(*args, **kwargs):
    """Compute the same five times."""
    return [plain(*args, **kwargs) for _ in range(5)][-1]


def blocks_of_64(input, *args, **kwargs):
    """Compute the same, in blocks of 64 channels and of two rows."""
    assert input.shape[1] % 64 == 0, "64 channels a block"
    assert input.shape[2] % 2 == 0, "two rows a block"
    return plain(input, *args, **kwargs)


def sleepy(*args, **kwargs):
    """Take far too long for a race."""
    time.sleep(3)
    return plain(*args, **kwargs)


_answers: dict[Any, Any] = {}


def keeps_by_identity(input, *args, **kwargs):
    """Return the earlier output for an earlier array: right on new operands, before and after the timing."""
    key = input.__array_interface__["data"][0], input.shape
    if key not in _answers:
        _answers[key] = input, plain(input, *args, **kwargs)
    return _answers[key][1]


_calls = 0


def right_at_first(*args, **kwargs):
    """Be right in the checks before the timing, then omit the last output channel."""
    global _calls  # noqa: PLW0603  # state of the fault
    _calls += 1
    output = plain(*args, **kwargs)
    if _calls > 6:
        output[:, -1] = 0
    return output


def wrong_when_strided(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Be right on layers of stride 1, and off by one column on others."""
    output = plain(input, weight, bias, stride, padding, dilation, groups)
    return output if tuple(stride) == (1, 1) else np.roll(output, 1, axis=3)


def narrowed(input, weight, *args, **kwargs):
    """Round operands to 11 binary digits, as TF32 does: integers do not show it."""

    def narrow(values):
        return (values.view(np.uint32) + np.uint32(0x1000) & np.uint32(0xFFFFE000)).view(np.float32)

    return plain(narrow(input), narrow(weight), *args, **kwargs)


def declines(*args, **kwargs):
    raise NotImplementedError("not on a Tuesday")


def asserts(*args, **kwargs):
    assert not args, "not on a Wednesday"


def raises(*args, **kwargs):
    int("no such file")


def crashes(*args, **kwargs):
    os._exit(3)


def crashes_in_timing(*args, **kwargs):
    """Abort in the twenty-first call."""
    global _calls  # noqa: PLW0603
    _calls += 1
    if _calls > 20:
        os.abort()
    return plain(*args, **kwargs)


def skips_rows_of_large_planes(*args, **kwargs):
    """Leave the last row of a plane of 128 rows or more at 0."""
    output = plain(*args, **kwargs)
    if output.shape[2] >= 128:
        output[:, :, -1] = 0
    return output


def patches_the_clock(*args, **kwargs):
    """Slow down the clock of the timing. An import would return a copy: frames have the module's own globals."""
    import sys

    real: Any = time.perf_counter_ns
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "convgauge.worker.timing":
            frame.f_globals["clock"] = lambda: real() // 100
        frame = frame.f_back
    return plain(*args, **kwargs)


def cannot_be_forked(*args, **kwargs):
    """End a process that is not the one of the import."""
    if os.getpid() != _pid:
        os._exit(5)
    return plain(*args, **kwargs)


_pid = os.getpid()
_pool = ThreadPoolExecutor(1)


def computes_later(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Be right in the checks before the timing, then return at once and compute in a thread: right when it is read."""
    global _calls  # noqa: PLW0603
    _calls += 1
    arguments = weight, bias, stride, padding, dilation, groups
    if _calls <= 6:
        return plain(input, *arguments)
    operand = input.copy()
    output = np.empty((1, 8, 16, 16), np.float32)  # of the problem that is raced
    _pool.submit(lambda: np.copyto(output, plain(operand, *arguments)))
    return output


def patches_a_copy_of_the_clock(*args, **kwargs):
    """Stop the clock of the copy of the timing that an import returns."""
    from convgauge.worker import timing

    timing.clock = lambda: 0
    return plain(*args, **kwargs)


def prepared(*args, **kwargs):
    """Compute the same; the weight is packed once per layer."""
    return plain(*args, **kwargs)


def _prepare(problem, weight, bias):
    time.sleep(0.01)
    packed = weight.copy()
    return lambda input: plain(input, packed, bias, **problem.arguments)


prepared.prepare = _prepare  # type: ignore[attr-defined]  # as the registry reads it


def hungry(*args, **kwargs):
    """Take 64 MiB more than needed."""
    scratch = np.ones(8 << 20)
    return plain(*args, **kwargs) + np.float32(0 * scratch[-1])
