"""Delta debugging: the shortest part of a sequence that still fails.

Source: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28(2), 2002: `ddmin`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class ExhaustedError(Exception):
    """The trials are used up."""


def shortest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return a part of a failing sequence, in its order, of which no single item can be left out.

    Parameters
    ----------
    items : sequence
        Sequence that fails.
    fails : callable
        Function of a part of it that returns True if that fails. If it raises `ExhaustedError`, the shortest part that
        failed so far is returned.
    """
    shortest, parts = list(items), 2
    try:
        while len(shortest) > 1:
            smaller = _smaller(shortest, parts, fails)
            if smaller is not None:
                shortest, parts = smaller
            elif parts >= len(shortest):
                break
            else:
                parts = min(2 * parts, len(shortest))
    except ExhaustedError:
        pass
    return shortest


def _smaller(items: list[T], parts: int, fails: Callable[[Sequence[T]], bool]) -> tuple[list[T], int] | None:
    """Return a part of a sequence that fails, and the number of parts to try next; None if there is none."""
    bounds = [len(items) * index // parts for index in range(parts + 1)]
    slices = [(bounds[index], bounds[index + 1]) for index in range(parts)]
    for start, end in slices:
        if fails(items[start:end]):
            return items[start:end], 2
    if parts > 2:  # with two parts, each is the complement of the other
        for start, end in slices:
            complement = items[:start] + items[end:]
            if fails(complement):
                return complement, max(parts - 1, 2)
    return None
