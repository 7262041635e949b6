"""Impostors: wrong answers in the right shape, which every case must tell from the right one.

A case that lets one through proves nothing of a kernel that gives just that: zeros, the first output everywhere, the
outputs in another order, a neighbour's output, the answer to the call before, NaN everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from convgauge.reference.operands import Array
from convgauge.worker.subject import Observation

Change = Callable[[Array], Array]

CHANGES: dict[str, Change] = {
    "zeros": np.zeros_like,
    "its first element everywhere": lambda array: np.full_like(array, array.flat[0]),
    "its elements in reverse": lambda array: array.reshape(-1)[::-1].reshape(array.shape),
    "its neighbours along the last axis": lambda array: np.roll(array, 1, axis=-1),
    "its neighbours along the channels": lambda array: np.roll(array, 1, axis=min(1, array.ndim - 1)),
    "NaN everywhere": lambda array: np.full_like(array, np.nan) if array.dtype.kind in "fc" else array,
}


def impostors(seen: Observation, before: Observation | None) -> Iterator[tuple[str, Observation]]:
    """(what it is, observation) for every wrong answer made of a right one that differs from it."""
    for name, change in CHANGES.items():
        made = replace(
            seen,
            output=_changed(seen.output, change),
            extra=[_changed(array, change) for array in seen.extra],
        )
        if _differs(made, seen):
            yield name, made
    if before is not None and before.shape == seen.shape and len(before.extra) == len(seen.extra):
        made = replace(seen, output=before.output, extra=before.extra)
        if _differs(made, seen):
            yield "the answer to the call before", made


def _changed(array: Array | None, change: Change) -> Array | None:
    return array if array is None or not array.size or not array.ndim else change(array)


def _differs(one: Observation, other: Observation) -> bool:
    """Whether any array is another; where only some are, the case would rightly pass for the rest."""
    pairs = list(zip([one.output, *one.extra], [other.output, *other.extra], strict=True))
    return any(
        a is not None and b is not None and (a.shape != b.shape or not np.array_equal(a, b, equal_nan=_real(a)))
        for a, b in pairs
    )


def _real(array: Array) -> bool:
    return array.dtype.kind in "fc"
