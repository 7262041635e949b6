"""Decoding of replies. They come from a process that may send anything: they are read as data and checked by type."""

from __future__ import annotations

import math
import struct

import msgspec
import numpy as np

from convgauge.worker.messages import REPLIES, Reply
from convgauge.worker.protocol import LENGTH

_ERRORS = (msgspec.MsgspecError, struct.error, ValueError, TypeError, LookupError, OverflowError, RecursionError)


class InvalidReply(ValueError):
    """The bytes are not a reply; the message states what is wrong."""


def decode(content: bytes) -> Reply:
    """Return the reply of a frame without its length. Raises `InvalidReply`."""
    try:
        (size,) = LENGTH.unpack_from(content)
        start = LENGTH.size + size
        arrays = _Arrays(content, start)
        name, fields = msgspec.json.decode(memoryview(content)[LENGTH.size : start], type=tuple[str, msgspec.Raw])
        return msgspec.json.decode(fields, type=REPLIES[name], dec_hook=arrays.read)
    except _ERRORS as error:
        raise InvalidReply(str(error)) from None


class _Arrays:
    """Arrays behind the text of a reply, in the order in which the text names them."""

    def __init__(self, content: bytes, start: int) -> None:
        self.content, self.start = content, start

    def read(self, kind: type, value: tuple[str, list[int]]) -> np.ndarray:
        """Return the next array, of the dtype and shape that ``value`` states."""
        if kind is not np.ndarray:
            raise TypeError(f"a field of type {kind.__name__}")
        dtype, shape = np.dtype(value[0]), value[1]
        if dtype.hasobject or min(shape, default=0) < 0:
            raise ValueError(f"an array of dtype {dtype} and shape {shape}")
        count = math.prod(map(int, shape))
        array = np.frombuffer(self.content, dtype, count, self.start).reshape(shape)
        self.start += array.nbytes
        return array
