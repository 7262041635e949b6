"""Protected memory that a call touched: read from the report of its process, or else from the layouts of the call."""

from __future__ import annotations

import signal

from convgauge.process.failures import ProcessFailure
from convgauge.worker.call import OPERANDS, Call
from convgauge.worker.guarded_memory import BEGINS_AT_GUARD, ENDS_AT_GUARD, GUARDED_LAYOUTS
from convgauge.worker.memory_faults import ELSEWHERE, REPORTED

PLACES = {ENDS_AT_GUARD: "memory after the end of the {}", BEGINS_AT_GUARD: "memory before the start of the {}"}
"""Place of the protected memory by the layout of the array beside it."""

FAULT_SIGNALS = tuple(getattr(signal, name) for name in ("SIGSEGV", "SIGBUS") if hasattr(signal, name))
"""Signals of an access to protected memory: the second is that of macOS."""


def touched_memory(call: Call, failure: ProcessFailure) -> str:
    """Return the protected memory at which a process ended in a call, or "" if it ended otherwise.

    Without a report the place is certain only if one array of the call lies beside protected memory.
    """
    guarded = [
        (name, layout)
        for name, layout in (*zip(OPERANDS, call.layouts, strict=True), ("output", call.extra_layout))
        if layout in GUARDED_LAYOUTS
    ]
    if not guarded or failure.signal not in FAULT_SIGNALS:
        return ""
    reports = REPORTED.findall(failure.printed)
    if reports or ELSEWHERE in failure.printed or len(guarded) > 1:
        return reports[-1] if reports else ""
    ((name, layout),) = guarded
    return PLACES[layout].format(name)
