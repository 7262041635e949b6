"""Necessary conditions: what all failing calls have in common, although some calls with it pass.

They name the kind of a fault of which no mechanism predicts the outputs: that only operands that are not contiguous
fail, or only those with NaN and infinity, of which some are lost or spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convgauge.diagnosis.features import OPERAND_LAYOUTS
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.plan import NoOutputError, TooExpensiveError
from convgauge.diagnosis.sample import Sample

MIN_FAILING, MIN_PASSING = 8, 100
"""Failing samples with the condition, and passing ones without it, that show that it is no chance."""

MAX_READ = 40
"""Failing samples of which NaN and infinity are compared."""


@dataclass(frozen=True)
class Necessary:
    """A condition without which nothing fails: slug, kind and sentence of the cause."""

    slug: str
    kind: MechanismKind
    sentence: str


def necessary_condition(failing: Sequence[Sample], passing: Sequence[Sample]) -> Necessary | None:
    """Return the condition that all failing samples meet; None if there is none, or too little shows it.

    Parameters
    ----------
    failing, passing : sequences of Sample
        Plain samples.
    """
    if len(failing) < MIN_FAILING:
        return None
    return _layout(failing, passing) or _nonfinite(failing, passing)


def _layout(failing: Sequence[Sample], passing: Sequence[Sample]) -> Necessary | None:
    """Return the condition that an operand is not contiguous."""
    for field, operand in OPERAND_LAYOUTS.items():
        is_usual = [sample.fields[field] == "contiguous" for sample in passing]
        if sum(is_usual) >= MIN_PASSING and all(sample.fields[field] != "contiguous" for sample in failing):
            text = f"memory: some layouts of the {operand} that are not contiguous are misread"
            return Necessary("layout_misread", MechanismKind.LAYOUT_ASSUMED, text)
    return None


def _nonfinite(failing: Sequence[Sample], passing: Sequence[Sample]) -> Necessary | None:
    """Return the condition that an operand has NaN or infinity, by what becomes of them."""
    if any(sample.plan.is_finite for sample in failing):
        return None
    if sum(sample.plan.is_finite for sample in passing) < MIN_PASSING:
        return None
    effects = [effect for sample in failing[:MAX_READ] if (effect := _effect(sample)) is not None]
    if effects and all(effect == "lost" for effect in effects):
        return Necessary("nonfinite_lost", MechanismKind.NAN_CLAMPED, "output: some NaN or infinity is lost")
    if effects and all(effect == "spread" for effect in effects):
        text = "output: NaN or infinity reaches outputs that it must not reach"
        return Necessary("nonfinite_spread", MechanismKind.NAN_SPREAD, text)
    return None


def _effect(sample: Sample) -> str | None:
    """Return "lost" if an output is finite that must not be, "spread" for the contrary; None if neither or both."""
    output = sample.observation.output
    try:
        expected = sample.expected
    except (NoOutputError, TooExpensiveError):
        return None
    if output is None or output.shape != expected.shape:
        return None
    finite, due = np.isfinite(output), np.isfinite(expected)
    lost, spread = bool((finite & ~due).any()), bool((~finite & due).any())
    return None if lost == spread else ("lost" if lost else "spread")
