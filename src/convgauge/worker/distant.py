"""Operands whose images or filters are billions of elements apart, in memory that is reserved and hardly used.

The layout "distant" shows if a kernel computes offsets in 32 bits. The last element of the first axis is a little more
than 2^32 elements after the first one. Its offset in 32 bits, with or without a sign, in elements or in bytes, is that
of other memory that is reserved as well, so that a kernel reads zeros or other elements instead of ending the process.
Linux commits a page of such memory when it is written to. A page that is only read is the shared page of zeros.
"""

from __future__ import annotations

import math
import mmap
import sys
from typing import NamedTuple

DISTANCE = (1 << 32) + 16
"""Elements between the first and the last image. 16 elements after the first are other elements of it, or zeros."""
BEFORE = 1 << 31
"""Elements of memory before the first one, where offsets lie that a 32-bit integer with a sign makes negative."""
NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)  # not in the module before Python 3.13


class DistantMemory(NamedTuple):
    """Reserved memory, and the start and strides in elements of an operand in it."""

    memory: mmap.mmap
    start: int
    strides: tuple[int, ...]


def reserve(shape: tuple[int, ...], itemsize: int) -> DistantMemory:
    """Reserve memory for an operand, whose first axis of several elements spans `DISTANCE` elements.

    Parameters
    ----------
    shape : tuple of int
        Shape of the operand.
    itemsize : int
        Bytes of an element.

    Raises
    ------
    KeyError
        If the system does not reserve so much memory, or no axis has several elements.
    """
    axis = next((index for index, size in enumerate(shape) if size > 1), None)
    if axis is None or not math.prod(shape) or not sys.platform.startswith("linux"):
        raise KeyError("distant")
    strides = [math.prod(shape[index + 1 :]) for index in range(len(shape))]
    strides[axis] = -(-DISTANCE // (shape[axis] - 1))
    elements = BEFORE + strides[axis] * shape[axis]
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE
    try:
        memory = mmap.mmap(-1, elements * itemsize, flags=flags)
    except (OSError, ValueError, OverflowError):
        raise KeyError("distant") from None
    return DistantMemory(memory, BEFORE, tuple(strides))
