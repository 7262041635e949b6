"""Mechanisms that add a constant to outputs at a place: the first one, the last one, a row or column at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.trial import failing_calls, predicting
from convgauge.reference.operands import Array

Index = tuple[slice | int, ...]

_ALL = slice(None)
_PLACES: dict[str, tuple[MechanismKind, str, Index]] = {
    "first_output": (MechanismKind.COMBINATION, "the first output", (0, 0, 0, 0)),
    "last_output": (MechanismKind.COMBINATION, "the last output", (-1, -1, -1, -1)),
    "first_of_plane": (MechanismKind.TILE_BORDER, "the first output of each plane", (_ALL, _ALL, 0, 0)),
    "last_of_plane": (MechanismKind.TILE_BORDER, "the last output of each plane", (_ALL, _ALL, -1, -1)),
    "first_row": (MechanismKind.TILE_BORDER, "the first row", (_ALL, _ALL, 0)),
    "last_row": (MechanismKind.TILE_BORDER, "the last row", (_ALL, _ALL, -1)),
    "first_column": (MechanismKind.TILE_BORDER, "the first column", (_ALL, _ALL, _ALL, 0)),
    "last_column": (MechanismKind.TILE_BORDER, "the last column", (_ALL, _ALL, _ALL, -1)),
}
"""Places by slug: kind, words, index of the output."""

MAX_PROPOSED = 8


@family
def constants_added(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the places at which outputs of failing calls differ by a constant."""
    failing = [sample for sample in failing_calls(samples) if sample.family == "exact"]
    constants = {constant for sample in failing for constant in _constants(sample)}
    return predicting(_mechanisms(sorted(constants)), failing, MAX_PROPOSED)


def _constants(sample: Sample) -> set[float]:
    """Return the difference of the wrong outputs from the right ones, if it is the same for all."""
    output = sample.observation.output
    if output is None or output.shape != sample.expected.shape or output.dtype.kind == "c":
        return set()
    with np.errstate(invalid="ignore"):
        difference = output.astype(float) - sample.expected.astype(float)
    values = {float(value) for value in np.unique(difference[difference != 0])}
    return values if len(values) == 1 and np.isfinite(list(values)).all() else set()


def _mechanisms(constants: Sequence[float]) -> Iterator[Mechanism]:
    for constant in constants:
        for slug, (kind, words, index) in _PLACES.items():
            yield Mechanism(
                f"{slug}_off_by_{constant:g}", kind, f"output: {words} is off by {constant:g}",
                partial(_added, constant, index), 1.4,
            )  # fmt: skip


def _added(constant: float, index: Index, plan: Plan, sample: Sample) -> Plan | None:
    def change(output: Array) -> Array:
        output = output.copy()
        if output.size:
            output[index] += np.asarray(constant).astype(output.dtype)
        return output

    return plan.finish(change)
