"""Limit of a first call: a kernel that is compiled just in time takes longer for the first call on a shape.

The first call on a shape has `FACTOR` times the limit of other calls, on two conditions that keep hangs cheap. The
process has used the processor, which a compiler does and a call that waits does not. And no first call of the
implementation has exceeded this limit before: an endless loop costs it once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Hashable

import psutil

from convgauge.process.failures import ProcessFailure
from convgauge.worker.call import Call

FACTOR = 6
"""Limit of a first call, divided by that of other calls. With 20 s it is two minutes, as for an import: torch.compile
takes up to a minute for a kernel, of which it generates C++, if another program uses the machine too."""

MIN_COMPUTING_SHARE = 0.03
"""Smallest part of the time in which a process that compiles has the processor: thirty programs may share a core."""

RECOMPILED_MODES = ("compiled", "compiled_dynamic", "exported")
"""Call modes that compile at each call."""


def key(call: Call) -> Hashable:
    """Return what a just-in-time compiler distinguishes calls by: shapes, dtypes, layouts, arguments and mode."""
    arrays = (call.input, call.weight, call.bias, call.extra_operand)
    shapes = tuple(getattr(array, "shape", None) for array in arrays)
    return (
        shapes, call.dtypes, call.layouts, repr(call.arguments), call.device, call.prepared, call.mode, call.wanted,
    )  # fmt: skip


def processor_s(pid: int) -> float:
    """Return the processor time of a process in seconds; 0 if it has ended.

    Linux has a clock for it, which is read in a microsecond: it is read before every first call.
    """
    try:
        if sys.platform == "linux":
            return time.clock_gettime((~pid << 3) | 2)
        return _own_s(psutil.Process(pid))
    except (OSError, psutil.Error):
        return 0.0


def family_s(pid: int) -> float:
    """Return the processor time of the processes that a process has started, such as a compiler, in seconds."""
    try:
        children = psutil.Process(pid).children(recursive=True)
        return sum(map(_own_s, children))
    except psutil.Error:
        return 0.0


def _own_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def idle_failure(limit_s: float) -> ProcessFailure:
    """Return the failure of a first call that did not compile."""
    return ProcessFailure(
        "timed_out", f"gave no answer within {limit_s:g} s to the first call on a shape, and did not compute"
    )


def endless_failure(limit_s: float) -> ProcessFailure:
    """Return the failure of a first call that exceeded its own limit."""
    return ProcessFailure(
        "timed_out",
        f"gave no answer within {FACTOR * limit_s:g} s to the first call on a shape, which may compile"
        f" (other calls have {limit_s:g} s)",
    )
