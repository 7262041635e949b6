"""Outcome of a mechanism on a sample: what the mechanism predicts, compared with what the call did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from convgauge.diagnosis.mechanism import UNFIT, Mechanism
from convgauge.diagnosis.plan import Plan, TooExpensiveError
from convgauge.diagnosis.sample import Sample

Outcome = Literal["fits", "invisible", "differs", "unknown"]
"""Result of a comparison. "fits": the mechanism changes the output, and the call gave the changed one. "invisible": the
mechanism does not change the output. "differs": it changes the output, and the call gave another one. "unknown": the
prediction is too expensive, or is not made for a call of this kind."""


def changed(mechanism: Mechanism, sample: Sample, plan: Plan | None = None) -> Plan | None:
    """Return the plan of a sample as a mechanism changes it, or None if the mechanism has no meaning for it."""
    try:
        return mechanism.change(sample.plan if plan is None else plan, sample)
    except UNFIT:
        return None


def outcome(mechanism: Mechanism, sample: Sample) -> Outcome:
    """Return the outcome of a mechanism on a plain sample."""
    plan = changed(mechanism, sample)
    test = mechanism.differs if sample.fault is None else mechanism.fits
    if plan is None or test is None:
        return outcome_of_plan(plan, sample)
    try:
        holds = test(plan, sample)
    except TooExpensiveError:
        return "unknown"
    except UNFIT:
        return "invisible"
    if sample.fault is None:
        return "differs" if holds else "invisible"
    return "fits" if holds else "differs"


def outcome_of_plan(plan: Plan | None, sample: Sample) -> Outcome:
    """Return the outcome of a changed plan on a sample."""
    if plan is None:
        return "invisible"
    try:
        if not sample.differs(plan):
            return "invisible"
        if sample.fault is None:
            return _outcome_of_passing(plan, sample)
        return "fits" if sample.fits(plan) else "differs"
    except TooExpensiveError:
        return "unknown"
    except UNFIT:
        return "invisible"


def _outcome_of_passing(plan: Plan, sample: Sample) -> Outcome:
    """Return the outcome of a plan that differs from the right one on a passing sample."""
    if sample.permits(plan):
        return "invisible"
    return "unknown" if sample.plan.is_finite and plan.may_overflow else "differs"


def composed(mechanisms: Iterable[Mechanism], sample: Sample) -> Plan | None:
    """Return the plan of a sample as several mechanisms change it one after the other; None if one has no meaning."""
    plan: Plan | None = sample.plan
    for mechanism in mechanisms:
        plan = None if plan is None else changed(mechanism, sample, plan)
    return plan


class Outcomes:
    """Outcomes of mechanisms on some samples, each computed once."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self._known: dict[tuple[Mechanism, int], Outcome] = {}

    def of(self, mechanism: Mechanism, number: int) -> Outcome:
        """Return the outcome of a mechanism on the sample of a number."""
        key = (mechanism, number)
        if key not in self._known:
            self._known[key] = outcome(mechanism, self.samples[number])
        return self._known[key]

    def of_mechanism(self, mechanism: Mechanism) -> dict[int, Outcome]:
        """Return the known outcomes of a mechanism by the id of their sample."""
        return {id(self.samples[number]): each for (other, number), each in self._known.items() if other is mechanism}

    def having(self, mechanism: Mechanism, numbers: Iterable[int], wanted: Outcome) -> list[int]:
        """Return the numbers of the samples on which a mechanism has an outcome."""
        return [number for number in numbers if self.of(mechanism, number) == wanted]
