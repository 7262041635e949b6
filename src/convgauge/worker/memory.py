"""Memory of this process: its resident size, and the return of free memory to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable


def return_free_memory() -> None:
    """Ask the C library to return free memory to the system, so that a call that takes it again is measured."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def peak_bytes_of(call: Callable[[], object]) -> int | None:
    """Return the bytes that ``call`` adds to the resident set at its peak, or None if unknown.

    Linux: free memory is returned, the high-water mark of the resident set is reset (5 written to
    /proc/self/clear_refs, see proc(5)) and read after the call.
    """
    return_free_memory()
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return None
    before = _status_bytes("VmRSS")
    call()
    after = _status_bytes("VmHWM")
    return max(0, after - before) if before and after else None


def _status_bytes(field: str) -> int:
    """Return a size in /proc/self/status; 0 if it is missing."""
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
