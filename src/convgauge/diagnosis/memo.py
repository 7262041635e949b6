"""Memo of results that the plans derived from one plan share: its receptive fields and its sums.

Most mechanisms change one part of a plan. A result is kept under everything that determines it; arrays are compared by
identity, which is safe because the memo holds them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from convgauge.reference.operands import Array

Result = TypeVar("Result")
Key = tuple[object, ...]

MAX_ELEMENTS = 1 << 15
"""Elements of an array that is kept: larger ones take more time to use than to compute."""


@dataclass
class Kept(Generic[Result]):
    """The first result that was computed, which is that of the original plan, and its key."""

    key: Key = ()
    results: list[Result] = field(default_factory=list)

    def get(self, key: Key, compute: Callable[[], Result]) -> Result:
        """Return the result of a key: the one that is kept, or a new one."""
        if self.results and _is_same(self.key, key):
            return self.results[0]
        result = compute()
        if not self.results and _size(result) <= MAX_ELEMENTS:
            self.key, self.results = key, [result]
        return result


def _is_same(key: Key, other: Key) -> bool:
    return all(
        part is other_part or (not isinstance(part, np.ndarray) and part == other_part)
        for part, other_part in zip(key, other, strict=True)
    )


def _size(result: object) -> int:
    array = result[0] if isinstance(result, tuple) else result
    return array.size if isinstance(array, np.ndarray) else 0


@dataclass
class Memo:
    """Results of one plan.

    Attributes
    ----------
    columns : Kept
        Receptive fields as columns, with the output's rows and columns.
    sums : Kept
        Sums of products.
    """

    columns: Kept[tuple[Array, tuple[int, int]]] = field(default_factory=Kept)
    sums: Kept[Array] = field(default_factory=Kept)
