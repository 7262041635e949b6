"""Memory between protected pages: an operand ends, or begins, where the next byte may be neither read nor written.

The layouts of this module are not among `Framework.layouts`, because an operand in them is a contiguous array with
nothing unusual. The specs on bounds alone use them.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
from collections.abc import Callable
from typing import Any

import numpy as np

ENDS_AT_GUARD, BEGINS_AT_GUARD = "ends_at_guard", "begins_at_guard"
GUARDED_LAYOUTS = (ENDS_AT_GUARD, BEGINS_AT_GUARD)
"""Layouts of a contiguous operand whose last byte is the last, or whose first byte the first, that may be touched."""

GUARD_PAGES = 16
"""Protected pages on each side: more than a vector, or a row of padding, that a kernel reads too much."""

_PROT_NONE = 0  # see mprotect(2)
_POISON = 0xFF  # in every byte: NaN in each floating dtype, -1 in each integer

Protect = Callable[[int, int, int], int]


def why_unavailable() -> str:
    """Return the reason why this system cannot protect pages, or "" if it can."""
    return "" if _mprotect() is not None else "this system has no mprotect, so no page can be protected"


@functools.cache
def _mprotect() -> Protect | None:
    if os.name != "posix":
        return None
    function: Any = getattr(ctypes.CDLL(None), "mprotect", None)
    if function is not None:
        function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function  # type: ignore[no-any-return]  # a function of ctypes is Any


def guarded(layout: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes of an operand, and those of all memory around it that may be touched.

    The start of an operand that ends at a protected page, and the end of one that begins there, are aligned to its
    elements and to nothing else.

    Parameters
    ----------
    layout : str
        A member of `GUARDED_LAYOUTS`.
    size : int
        Bytes of the operand.

    Raises
    ------
    KeyError
        The layout is not one of these, or the system cannot protect pages.
    """
    protect = _mprotect()
    if layout not in GUARDED_LAYOUTS or protect is None:
        raise KeyError(layout)
    page = mmap.PAGESIZE
    guard, room = GUARD_PAGES * page, max(1, -(-size // page)) * page
    pages = mmap.mmap(-1, room + 2 * guard, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory = np.frombuffer(pages, np.uint8, room, guard)
    memory[:] = _POISON
    start = memory.ctypes.data
    for address in (start - guard, start + room):
        if protect(address, guard, _PROT_NONE):
            raise KeyError(layout)
    return (memory[room - size :] if layout == ENDS_AT_GUARD else memory[:size]), memory
