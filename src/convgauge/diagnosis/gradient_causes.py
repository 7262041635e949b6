"""Causes of wrong gradients: the mechanisms that predict them, found in the way of those of the output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from convgauge.diagnosis.backward import GradientCase
from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.failure_region import Region, RegionSearch
from convgauge.diagnosis.gradient_mechanism import (
    GradientMechanism,
    gradient_library,
    gradient_outcome,
)
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.sample import Sample

MAX_WITNESSES = 8
"""Failing samples, the smallest, of which a mechanism must predict one to be compared with the others."""
MAX_FAILING, MAX_PASSING = 80, 120
"""Samples that are compared, the smallest ones."""
MIN_PREDICTED = 2
"""Samples that a mechanism must predict."""
MAX_CAUSES = 3


def gradient_causes(failing: Sequence[Sample], passing: Sequence[Sample]) -> tuple[list[Cause], list[Sample]]:
    """Return the causes of wrong gradients, and the failing samples that they do not explain.

    Parameters
    ----------
    failing : sequence of Sample
        Failing samples, whose output is right or explained.
    passing : sequence of Sample
        Passing samples, those in call modes included.
    """
    wrong = [sample for sample in failing if sample.fault is not None and sample.fault.kind in _kinds(sample)]
    due = _smallest(wrong, MAX_FAILING)
    if not due:
        return [], list(failing)
    search = _Search(due, _smallest(passing, MAX_PASSING))
    named: list[_Named] = []
    while due and len(named) < MAX_CAUSES and (best := search.best(due)) is not None:
        named.append(best)
        due = [case for case in due if gradient_outcome(best.mechanism, case) != "fits"]
    for sample in wrong:
        cause = next((cause for cause in named if cause.explains(sample)), None)
        if cause is not None:
            cause.samples.append(sample)
    explained = {id(sample) for cause in named for sample in cause.samples}
    return [cause.record() for cause in named], [sample for sample in failing if id(sample) not in explained]


def _kinds(sample: Sample) -> tuple[str, ...]:
    """Return the kinds of faults that a mechanism of gradients may cause."""
    return ("values", "accuracy", "shape") if sample.is_gradient else ("gradient",)


@dataclass(eq=False)
class _Named:
    """A named mechanism, where it acts, and the failing samples that it explains."""

    mechanism: GradientMechanism
    region: Region
    predicted: int
    samples: list[Sample] = field(default_factory=list)

    def explains(self, sample: Sample) -> bool:
        """Return True if it predicts a sample, or second derivatives in its region, of which there is no prediction."""
        if GradientCase.has(sample):
            return gradient_outcome(self.mechanism, GradientCase(sample)) == "fits"
        return self.region.contains(sample.fields)

    def record(self) -> Cause:
        """Return the cause."""
        mechanism, region = self.mechanism, self.region
        kind = MechanismKind.GRADIENT_VALUE
        return Cause(mechanism.slug, kind, mechanism.sentence, region.clause, region.expression, tuple(self.samples))


class _Search:
    """Search for mechanisms among failing and passing cases."""

    def __init__(self, failing: Sequence[GradientCase], passing: Sequence[GradientCase]) -> None:
        self.passing = passing
        self.mechanisms = gradient_library(failing)
        self._cases = [*failing, *passing]
        self._regions = RegionSearch([case.sample.fields for case in self._cases])

    def best(self, due: Sequence[GradientCase]) -> _Named | None:
        """Return the mechanism that predicts the most cases that are due."""
        hopeful = [m for m in self.mechanisms if _predicted(m, due[:MAX_WITNESSES])]
        candidates = [named for named in (self._named(m, _predicted(m, due)) for m in hopeful) if named is not None]
        return max(candidates, key=lambda each: (each.predicted, -each.mechanism.cost, -each.region.cost), default=None)

    def _named(self, mechanism: GradientMechanism, predicted: Sequence[GradientCase]) -> _Named | None:
        """Return a mechanism with its region; None if cases contradict it that no short rule excludes."""
        if len(predicted) < MIN_PREDICTED:
            return None
        against = [case for case in self.passing if gradient_outcome(mechanism, case) == "differs"]
        region = self._regions.find(self._mask(predicted), self._mask(against or self.passing))
        if region is None and against:
            return None
        return _Named(mechanism, region or Region(), len(predicted))

    def _mask(self, cases: Sequence[GradientCase]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        chosen = set(map(id, cases))
        return np.array([id(case) in chosen for case in self._cases], np.bool_)


def _predicted(mechanism: GradientMechanism, cases: Sequence[GradientCase]) -> list[GradientCase]:
    return [case for case in cases if gradient_outcome(mechanism, case) == "fits"]


def _smallest(samples: Sequence[Sample], count: int) -> list[GradientCase]:
    """Return the smallest calls that take first derivatives."""
    able = sorted(filter(GradientCase.has, samples), key=lambda sample: sample.problem.flops)
    return [GradientCase(sample) for sample in able[:count]]
