"""Candidates: mechanisms that predict failing samples, with the region in which they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from convgauge.diagnosis.failure_region import Region, RegionSearch
from convgauge.diagnosis.mechanism import Mechanism, library
from convgauge.diagnosis.outcome import Outcomes
from convgauge.diagnosis.sample import Sample

MAX_WITNESSES = 32
"""Failing samples on which every mechanism is tried; those that predict none of them are dropped."""

MAX_FAILING = 240
MAX_PASSING = 600
"""Samples with which the remaining mechanisms are compared: 0.1 s for each."""

MAX_COMPARED = 8
"""Mechanisms that are compared with passing samples: those that predict the most."""

CONDITION_PENALTY = 0.25
"""Share by which each condition of a region makes an explanation weaker: a rule may follow the sample by chance."""

SAMPLES_PER_CONDITION = 2
"""Failing samples that must support each condition of a region."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A mechanism that may be a cause.

    Attributes
    ----------
    mechanism : Mechanism
        The mechanism.
    explained : tuple of int
        Numbers of the failing samples that it predicts.
    region : Region
        Where it acts. It needs no region if no sample contradicts it; then the region describes where it is visible.
    is_conditional : bool
        Samples outside the region contradict it.
    """

    mechanism: Mechanism
    explained: tuple[int, ...]
    region: Region
    is_conditional: bool

    @property
    def strength(self) -> float:
        """Number of predicted samples, reduced for each condition that the mechanism needs."""
        conditions = len(self.region.conditions) if self.is_conditional else 0
        return len(self.explained) / (1 + CONDITION_PENALTY * conditions)

    @property
    def cost(self) -> float:
        """Complexity of mechanism and region."""
        return self.mechanism.cost + (self.region.cost if self.is_conditional else 0.0)


class CandidateSearch:
    """Search for the mechanisms that predict failing samples and are not contradicted.

    Parameters
    ----------
    failing, passing : sequences of Sample
        Plain samples.
    """

    def __init__(self, failing: Sequence[Sample], passing: Sequence[Sample]) -> None:
        failing, passing = _spread(failing, MAX_FAILING), _smallest(passing, MAX_PASSING)
        self.samples = [*failing, *passing]
        self.failing, self.passing = range(len(failing)), range(len(failing), len(self.samples))
        self.outcomes = Outcomes(self.samples)
        self._mechanisms = library(self.samples) if failing else []
        self._regions = RegionSearch([sample.fields for sample in self.samples])

    def best(self, due: Iterable[int]) -> list[Candidate]:
        """Return the candidates for the failing samples that are due, the strongest first."""
        due = list(due)
        witnesses = _diverse([(number, self.samples[number]) for number in due], MAX_WITNESSES)
        hopeful = [m for m in self._mechanisms if self.outcomes.having(m, witnesses, "fits")]
        predicted = {id(m): self.outcomes.having(m, due, "fits") for m in hopeful}
        hopeful.sort(key=lambda m: (-len(predicted[id(m)]), m.cost))
        candidates = [self._candidate(m, predicted[id(m)], due) for m in hopeful[:MAX_COMPARED]]
        return sorted(filter(None, candidates), key=lambda c: (-c.strength, c.cost))

    def region(self, inside: Iterable[int], outside: Iterable[int]) -> Region | None:
        """Return the shortest rule that holds for some samples and not for others."""
        return self._regions.find(self._mask(inside), self._mask(outside))

    def _candidate(self, mechanism: Mechanism, predicted: list[int], due: list[int]) -> Candidate | None:
        against = self.outcomes.having(mechanism, self.passing, "differs")
        if not any(self.samples[number].observation.output is not None for number in predicted):
            return None  # an exception alone has many reasons
        if not against:
            where = self.region(predicted, self.passing) or Region()
            return Candidate(mechanism, tuple(predicted), where, is_conditional=False)
        otherwise = self.outcomes.having(mechanism, due, "differs")
        region = self.region(predicted, [*against, *otherwise]) or self.region(predicted, against)
        if region is None or len(predicted) < SAMPLES_PER_CONDITION * len(region.conditions):
            return None
        return Candidate(mechanism, tuple(predicted), region, is_conditional=True)

    def _mask(self, numbers: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        mask = np.zeros(len(self.samples), np.bool_)
        mask[list(numbers)] = True
        return mask


def _size(sample: Sample) -> int:
    return sample.problem.flops


def _smallest(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return samples that are spread over the specs, the smaller half of each first."""
    return _spread(sorted(samples, key=_size)[: 4 * count], count)


def _spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return at most ``count`` samples, by turns one of each spec."""
    by_spec: dict[str, list[Sample]] = {}
    for sample in samples:
        by_spec.setdefault(sample.spec, []).append(sample)
    turns = [(turn, sample) for of_spec in by_spec.values() for turn, sample in enumerate(of_spec)]
    return [sample for _, sample in sorted(turns, key=lambda pair: pair[0])[:count]]


def _diverse(samples: Sequence[tuple[int, Sample]], count: int) -> list[int]:
    """Return the numbers of at most ``count`` samples: by turns one of each spec, the smallest first."""
    by_spec: dict[str, list[int]] = {}
    for number, sample in sorted(samples, key=lambda pair: (pair[1].family != "exact", _size(pair[1]))):
        by_spec.setdefault(sample.spec, []).append(number)
    turns = [(turn, number) for numbers in by_spec.values() for turn, number in enumerate(numbers)]
    return [number for _, number in sorted(turns)[:count]]
