"""Mechanisms that address rows with a wrong pitch: with another number of elements from one row to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, declare
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

Pitch = Callable[[int, int], int]
"""Function of rows and columns that returns the pitch."""

_PITCHES: dict[str, tuple[MechanismKind, str, Pitch]] = {
    "height": (MechanismKind.SWAPPED_AXES, "its height", lambda rows, columns: rows),
    "one_more": (MechanismKind.TILE_BORDER, "one more than its width", lambda rows, columns: columns + 1),
    "one_less": (MechanismKind.TILE_BORDER, "one less than its width", lambda rows, columns: columns - 1),
}
"""Pitches by slug: kind, words, function."""


def with_pitch(planes: Array, pitch: Pitch) -> Array:
    """Return planes (…, H, W) that are read with a pitch; beyond the array the last element is read."""
    rows, columns = planes.shape[2:]
    inside = np.arange(rows)[:, None] * pitch(rows, columns) + np.arange(columns)
    starts = np.arange(planes.shape[0] * planes.shape[1]).reshape(*planes.shape[:2], 1, 1) * (rows * columns)
    flat = planes.reshape(-1)
    return flat[np.minimum(starts + inside, flat.size - 1)] if flat.size else planes


def _on_input(pitch: Pitch, plan: Plan, sample: Sample) -> Plan | None:
    is_right = pitch(*plan.input.shape[2:]) == plan.input.shape[3]
    return None if is_right else replace(plan, input=with_pitch(plan.input, pitch))


def _on_weight(pitch: Pitch, plan: Plan, sample: Sample) -> Plan | None:
    is_right = pitch(*plan.weight.shape[2:]) == plan.weight.shape[3]
    return None if is_right else replace(plan, weight=with_pitch(plan.weight, pitch))


for _slug, (_kind, _words, _pitch) in _PITCHES.items():
    for _what, _change in (("image", _on_input), ("kernel", _on_weight)):
        declare(
            Mechanism(
                f"{_what}_pitch_{_slug}", _kind, f"{_what}: {_words} is used as the distance of its rows in memory",
                partial(_change, _pitch), 1.2,
            )
        )  # fmt: skip
