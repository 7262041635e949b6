"""Wrong outputs in the right shape, which every case must distinguish from the right one.

A case that accepts one proves nothing of a kernel that returns it: zeros, the first output everywhere, the outputs in
another order, a neighbour's output, the answer of the previous call, NaN everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from convgauge.reference.operands import Array
from convgauge.worker.call import Observation

Change = Callable[[Array], Array]

CHANGES: dict[str, Change] = {
    "zeros": np.zeros_like,
    "its first element everywhere": lambda array: np.full_like(array, array.flat[0]),
    "its elements in reverse": lambda array: array.reshape(-1)[::-1].reshape(array.shape),
    "its neighbours along the last axis": lambda array: np.roll(array, 1, axis=-1),
    "its neighbours along the channels": lambda array: np.roll(array, 1, axis=min(1, array.ndim - 1)),
    "NaN everywhere": lambda array: np.full_like(array, np.nan) if array.dtype.kind in "fc" else array,
}
"""Changes that make a right output wrong, by their description."""


def wrong_outputs(observation: Observation, previous: Observation | None) -> Iterator[tuple[str, Observation]]:
    """Yield (description, observation) for every wrong output that differs from the right one of ``observation``."""
    for description, change in CHANGES.items():
        changed = replace(
            observation,
            output=_changed(observation.output, change),
            extra_outputs=[_changed(array, change) for array in observation.extra_outputs],
        )
        if _differs(changed, observation):
            yield description, changed
    if (
        previous is None
        or previous.shape != observation.shape
        or len(previous.extra_outputs) != len(observation.extra_outputs)
    ):
        return
    replayed = replace(observation, output=previous.output, extra_outputs=previous.extra_outputs)
    if _differs(replayed, observation):
        yield "the answer of the previous call", replayed


def _changed(array: Array | None, change: Change) -> Array | None:
    return array if array is None or not array.size or not array.ndim else change(array)


def _differs(changed: Observation, original: Observation) -> bool:
    """Return True if any array differs; the case passes for those that are equal."""
    pairs = zip([changed.output, *changed.extra_outputs], [original.output, *original.extra_outputs], strict=True)
    return any(
        a is not None and b is not None and (a.shape != b.shape or not np.array_equal(a, b, equal_nan=_has_nan(a)))
        for a, b in pairs
    )


def _has_nan(array: Array) -> bool:
    """Return True if the dtype of an array has NaN."""
    return array.dtype.kind in "fc"
