"""Memo of results: the self-test runs the same cases on hundreds of implementations.

A function marked `memoized` returns the earlier result for arguments of the same content, after a process has called
`enable`. Until then it is computed at each call, because one implementation hardly ever gets a case twice.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

Array = np.ndarray[Any, Any]
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

CAPACITY_BYTES = 384 << 20
"""Bytes of arrays that the memo holds: those of a quick run are about 200 MiB."""


class Memo:
    """Results by function and content of the arguments; the least recently used are dropped first.

    An array in the memo is identified by a number, so that its content is hashed only once.

    Parameters
    ----------
    capacity_bytes : int
        Bytes of arrays that the memo holds.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.free_bytes = capacity_bytes
        self.entries: OrderedDict[Hashable, tuple[object, list[Array]]] = OrderedDict()
        self.numbers: dict[int, int] = {}  # by `id` of an array in the memo
        self._count = itertools.count()

    def result(
        self, function: Callable[..., object], arguments: tuple[object, ...], keywords: Mapping[str, object]
    ) -> object:
        """Return the result of a call; compute it unless it is in the memo. Its arrays become read-only."""
        key = (function, *map(self._key, arguments), *((name, self._key(value)) for name, value in keywords.items()))
        if key in self.entries:
            self.entries.move_to_end(key)
            return self.entries[key][0]
        result = function(*arguments, **keywords)
        arrays = _arrays(result)
        self.entries[key] = (result, arrays)
        for array in arrays:
            array.flags.writeable = False  # a change would change the results of other callers
            self.numbers[id(array)] = next(self._count)
            self.free_bytes -= array.nbytes
        while self.free_bytes < 0:
            for array in self.entries.popitem(last=False)[1][1]:
                del self.numbers[id(array)]
                self.free_bytes += array.nbytes
        return result

    def _key(self, value: object) -> Hashable:
        """Return a key that is equal only for values of the same content."""
        if isinstance(value, np.ndarray):
            number = self.numbers.get(id(value))
            if number is not None:
                return number
            return value.shape, value.dtype.str, hashlib.blake2b(value.tobytes(), digest_size=16).digest()
        names = _array_fields(type(value))
        return tuple(self._key(getattr(value, name)) for name in names) if names else value


_memos: list[Memo] = []  # of this process: none, or one


def enable(capacity_bytes: int = CAPACITY_BYTES) -> Memo:
    """Memoize results in this process; their arrays are read-only.

    Parameters
    ----------
    capacity_bytes : int
        Bytes of arrays that the memo holds.

    Returns
    -------
    Memo
        The memo of this process, the first one if it is enabled twice.
    """
    if not _memos:
        _memos.append(Memo(capacity_bytes))
    return _memos[0]


def disable() -> None:
    """Compute results at each call again."""
    _memos.clear()


def memoized(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Mark a function of problems, operands and arrays that depends only on their content."""

    @functools.wraps(function)
    def wrapper(*arguments: Parameters.args, **keywords: Parameters.kwargs) -> Result:
        if not _memos:
            return function(*arguments, **keywords)
        return cast(Result, _memos[0].result(function, arguments, keywords))

    return wrapper


def _arrays(value: object) -> list[Array]:
    """Return the arrays of a result: the result, or the elements of a tuple or fields of a dataclass."""
    if isinstance(value, np.ndarray):
        return [value]
    parts = value if isinstance(value, tuple) else [getattr(value, name) for name in _array_fields(type(value))]
    return [part for part in parts if isinstance(part, np.ndarray)]


_fields: dict[type, tuple[str, ...]] = {}


def _array_fields(kind: type) -> tuple[str, ...]:
    """Return all fields of a dataclass of arrays, which has no hash; none for other types."""
    if kind not in _fields:
        fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
        has_arrays = any("Array" in str(field.type) for field in fields)
        _fields[kind] = tuple(field.name for field in fields) if has_arrays else ()
    return _fields[kind]
