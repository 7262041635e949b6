"""Mechanisms of wrong gradients: functions of the right backward pass that return the gradients of a faulty one."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from convgauge.diagnosis.backward import Backward, GradientCase, Gradients
from convgauge.diagnosis.outcome import Outcome
from convgauge.diagnosis.sample import Sample
from convgauge.dtypes import DTYPES
from convgauge.reference.operands import Array

Predict = Callable[[Backward, Sample], Gradients]
"""Function of the right backward pass and the sample that returns the gradients which a faulty one gives."""

EXACT_TOLERANCE = 0.25
"""Largest difference of a gradient from its prediction on integers, as the specification allows."""

_UNFIT = (ValueError, IndexError, ZeroDivisionError)
"""Raised by a prediction that does not suit a call."""


@dataclass(frozen=True)
class GradientMechanism:
    """A hypothesis of what a backward pass computes.

    Attributes
    ----------
    slug, sentence : str
        As of `convgauge.diagnosis.mechanism.Mechanism`.
    predict : callable
        Function of (backward pass, sample).
    cost : float
        Complexity: of two that predict the same, the one of the lower cost is named.
    only : str
        Operand by which the gradient is wrong: "input", "weight" or "bias"; "" for all of them.
    """

    slug: str
    sentence: str
    predict: Predict
    cost: float = 1.0
    only: str = ""


Family = Callable[[Sequence[GradientCase]], Iterator[GradientMechanism]]
"""Function of the failing cases that yields mechanisms with their parameters filled in."""

_MECHANISMS: list[GradientMechanism] = []
_FAMILIES: list[Family] = []


def gradient_mechanism(sentence: str, *, cost: float = 1.0) -> Callable[[Predict], Predict]:
    """Declare a mechanism; the name of the function is its slug."""

    def declare(predict: Predict) -> Predict:
        _MECHANISMS.append(GradientMechanism(predict.__name__, sentence, predict, cost))
        return predict

    return declare


def gradient_family(propose: Family) -> Family:
    """Declare a function of the samples that yields mechanisms with a parameter."""
    _FAMILIES.append(propose)
    return propose


@cache
def _load() -> None:
    importlib.import_module("convgauge.diagnosis.mechanisms.gradients")


def gradient_library(failing: Sequence[GradientCase]) -> list[GradientMechanism]:
    """Return every mechanism of gradients, the simplest first.

    Of an implementation that computes one gradient, those of that gradient alone.
    """
    _load()
    computed = failing[0].computed if failing else ""
    proposed = [*_MECHANISMS, *[each for propose in _FAMILIES for each in propose(failing)]]
    return sorted([each for each in proposed if not computed or each.only == computed], key=lambda each: each.cost)


def gradient_outcome(mechanism: GradientMechanism, case: GradientCase) -> Outcome:
    """Return the outcome of a mechanism on a case: whether its gradients are what the mechanism predicts."""
    sample, is_visible, fits = case.sample, False, True
    for backward, got in case.passes:
        try:
            predicted = mechanism.predict(backward, sample)
        except _UNFIT:
            return "invisible"
        for observed, wrong, right in zip(got, predicted, backward.gradients, strict=True):
            if observed is None or wrong is None or right is None:
                continue
            tolerance = _tolerance(sample, right)
            is_visible |= not _close(wrong, right, 2 * tolerance)
            fits &= _close(observed, wrong, tolerance)
        if not fits and is_visible:
            return "differs"
    return "invisible" if not is_visible else "fits" if fits and sample.fault is not None else "differs"


def _tolerance(sample: Sample, right: Array) -> float:
    if sample.family == "exact":
        return EXACT_TOLERANCE
    if sample.is_gradient:
        return sample.tolerance
    roundoff = DTYPES[sample.problem.dtype].roundoff
    return float(64 * roundoff * np.abs(right).max(initial=0.0))


def _close(first: Array, second: Array, tolerance: float) -> bool:
    return first.shape == second.shape and bool((np.abs(first - second) <= tolerance).all())
