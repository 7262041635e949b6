"""Address layout of new processes: with the randomization of addresses, or without."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator

_QUERY, _ADDR_NO_RANDOMIZE = ctypes.c_ulong(0xFFFFFFFF), 0x0040000  # see personality(2)


@contextlib.contextmanager
def fixed_addresses() -> Iterator[None]:
    """Give the processes that this thread starts within the context equal addresses of code and data.

    This needs Linux and its permission (personality(2)); otherwise nothing changes.
    """
    personality = getattr(ctypes.CDLL(None), "personality", None) if sys.platform == "linux" else None
    previous = -1 if personality is None else personality(_QUERY)
    if personality is None or previous < 0:
        yield
        return
    personality(previous | _ADDR_NO_RANDOMIZE)
    try:
        yield
    finally:
        personality(previous)
