"""Candidates: mechanisms that predict failing samples, with the region in which they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from convgauge.diagnosis.failure_region import Region, RegionSearch
from convgauge.diagnosis.mechanism import Mechanism, library
from convgauge.diagnosis.outcome import Outcomes, outcome
from convgauge.diagnosis.sample import Sample

WITNESSES = (8, 32)
"""Failing samples on which every mechanism is tried; those that predict none of them are dropped. More are taken if
nothing predicts the first ones. With several faults, those of the others are tried once the first is set aside."""

MAX_FAILING = 150
MAX_PASSING = 300
"""Samples with which the remaining mechanisms are compared."""

MAX_OTHERS = 1500
"""Further passing samples with which the strongest mechanism is compared, the smallest."""

MAX_HOPEFUL = 16
"""Mechanisms that are compared with all failing samples: those that predict the most of the first ones."""

MAX_COUNTED = 40
"""Failing samples by which the mechanisms are ordered that are compared with all."""

MAX_COMPARED = 8
"""Mechanisms that are compared with passing samples: those that predict the most."""

MIN_EVIDENCE = 8
"""Wrong outputs that a mechanism must predict. Operands are small integers: a single one may agree by chance."""

MAX_EVIDENCE_OF_SAMPLE = 4
"""Wrong outputs that count of one sample: they share operands, so that all may agree for one other reason."""

MAX_CONTRADICTIONS = 24
MAX_SEARCHES = 3
"""Samples that are added if they contradict the strongest candidate, and searches with them."""

CONDITION_PENALTY = 0.25
"""Share by which each condition of a region makes an explanation weaker: a rule may follow the sample by chance."""

UNKNOWN_CONDITIONS = 4
"""Conditions that count for a rule that was not found."""

MIN_OCCASIONAL, MIN_SHARE = 40, 0.9
"""Failing samples, and the share of them, that a mechanism must predict to be named without the rule by which it acts:
so many equal outputs are no chance."""

COST_PENALTY = 0.25
"""Share by which a mechanism's cost beyond 1 makes an explanation weaker: one that fits loosely fits more."""

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
    is_occasional : bool
        Samples contradict it that no short region excludes: it acts in some calls, by a rule that was not found.
    """

    mechanism: Mechanism
    explained: tuple[int, ...]
    region: Region
    is_conditional: bool
    is_occasional: bool = False

    @property
    def strength(self) -> float:
        """Number of predicted samples, reduced for each condition that the mechanism needs, and for its complexity."""
        conditions = UNKNOWN_CONDITIONS if self.is_occasional else len(self.region.conditions) * self.is_conditional
        penalty = 1 + CONDITION_PENALTY * conditions
        return len(self.explained) / penalty / (1 + COST_PENALTY * (self.mechanism.cost - 1))

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
        self.failing = range(min(len(failing), MAX_FAILING))
        panel = _smallest(passing, MAX_PASSING)
        in_panel = set(map(id, panel))
        self._others = sorted((each for each in passing if id(each) not in in_panel), key=_size)[:MAX_OTHERS]
        self.samples = [*_spread(failing, MAX_FAILING), *panel]
        self.outcomes = Outcomes(self.samples)
        self._arrange()
        has_evidence = sum(map(_evidence, self.samples[: len(self.failing)])) >= MIN_EVIDENCE  # no exceptions alone
        self._mechanisms = library(self.samples) if has_evidence else []

    def _arrange(self) -> None:
        self.passing = range(len(self.failing), len(self.samples))
        self._regions = RegionSearch([sample.fields for sample in self.samples])

    def best(self, due: Iterable[int]) -> Candidate | None:
        """Return the strongest candidate for the failing samples that are due, if there is one.

        Of the samples that passed, some are compared with each candidate, and all with the strongest one.
        """
        due = list(due)
        for _ in range(MAX_SEARCHES):
            candidates = self.candidates(due)
            against = self._contradictions(candidates[0]) if candidates else []
            if not against:
                return self._described(candidates[0]) if candidates else None
            left = set(map(id, against))
            self._others = [sample for sample in self._others if id(sample) not in left]
            self.samples += against  # also those of the outcomes that are known
            self._arrange()
        return None

    def _contradictions(self, candidate: Candidate) -> list[Sample]:
        """Return some of the samples that passed where the candidate would have changed the output."""
        against: list[Sample] = []
        for sample in () if candidate.is_occasional else self._others:
            if candidate.is_conditional and not candidate.region.contains(sample.fields):
                continue
            if outcome(candidate.mechanism, sample) == "differs":
                against.append(sample)
                if len(against) >= MAX_CONTRADICTIONS:
                    break
        return against

    def candidates(self, due: Sequence[int]) -> list[Candidate]:
        """Return the candidates for the failing samples that are due, the strongest first."""
        hopeful = next(filter(None, (self._hopeful(due, count) for count in WITNESSES)), [])
        hopeful = self._leading(hopeful, due)
        predicted = {id(m): self.outcomes.having(m, due, "fits") for m in hopeful}
        hopeful.sort(key=lambda m: (-len(predicted[id(m)]), m.cost))
        proposed = [self._candidate(m, predicted[id(m)], due) for m in hopeful]
        return sorted(filter(None, proposed), key=lambda candidate: (-candidate.strength, candidate.cost))

    def _hopeful(self, due: Sequence[int], count: int) -> list[Mechanism]:
        """Return the mechanisms that predict the most of some failing samples, and at least one.

        If many predict the first ones, these do not tell them apart: those that do are tried on more.
        """
        hopeful = self._mechanisms
        for number in (count, *(more for more in WITNESSES if more > count)):
            witnesses = _diverse([(number, self.samples[number]) for number in due], number)
            fitting = {id(m): len(self.outcomes.having(m, witnesses, "fits")) for m in hopeful}
            hopeful = sorted((m for m in hopeful if fitting[id(m)]), key=lambda m: (-fitting[id(m)], m.cost))
            if len(hopeful) <= MAX_HOPEFUL:
                break
        return hopeful[:MAX_HOPEFUL]

    def _leading(self, hopeful: Sequence[Mechanism], due: Sequence[int]) -> list[Mechanism]:
        """Return the mechanisms that predict at least half as many of some failing samples as the best one."""
        sample = _diverse([(number, self.samples[number]) for number in due], MAX_COUNTED)
        counts = [len(self.outcomes.having(m, sample, "fits")) for m in hopeful]
        leading = [(count, m) for count, m in zip(counts, hopeful, strict=True) if 2 * count >= max(counts)]
        return [m for _, m in sorted(leading, key=lambda pair: (-pair[0], pair[1].cost))[:MAX_COMPARED]]

    def region(self, inside: Iterable[int], outside: Iterable[int]) -> Region | None:
        """Return the shortest rule that holds for some samples and not for others."""
        return self._regions.find(self._mask(inside), self._mask(outside))

    def _candidate(self, mechanism: Mechanism, predicted: list[int], due: Sequence[int]) -> Candidate | None:
        if sum(_evidence(self.samples[number]) for number in predicted) < MIN_EVIDENCE:
            return None
        against = self.outcomes.having(mechanism, self.passing, "differs")
        if not against:
            return Candidate(mechanism, tuple(predicted), Region(), is_conditional=False)
        otherwise = self.outcomes.having(mechanism, due, "differs")
        region = self.region(predicted, [*against, *otherwise]) or self.region(predicted, against)
        if region is None and len(predicted) >= max(MIN_OCCASIONAL, MIN_SHARE * len(self.failing)):
            return Candidate(mechanism, tuple(predicted), Region(), is_conditional=False, is_occasional=True)
        if region is None or len(predicted) < SAMPLES_PER_CONDITION * len(region.conditions):
            return None
        return Candidate(mechanism, tuple(predicted), region, is_conditional=True)

    def _described(self, candidate: Candidate) -> Candidate:
        """Return a candidate that needs no region with the one in which it is visible.

        It is visible where it changes outputs, also those that another fault changes as well.
        """
        if candidate.is_conditional or candidate.is_occasional:
            return candidate
        everything = (*self.failing, *self.passing)
        hidden = [n for n in everything if self.outcomes.of(candidate.mechanism, n) == "invisible"]
        visible = set(self.failing) - set(hidden)
        region = self.region(visible, hidden) or self.region(candidate.explained, hidden)
        return replace(candidate, region=region or Region())

    def _mask(self, numbers: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        mask = np.zeros(len(self.samples), np.bool_)
        mask[list(numbers)] = True
        return mask


def _evidence(sample: Sample) -> int:
    """Return the number of wrong outputs of a failing sample that count. An exception has too many possible reasons."""
    fault, output = sample.fault, sample.observation.output
    if fault is None or output is None:
        return 0
    wrong = fault.wrong if fault.mask is not None else output.size  # of another shape, or less accurate as a whole
    return min(wrong, MAX_EVIDENCE_OF_SAMPLE)


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
    """Return the numbers of at most ``count`` samples: by turns one of each spec, exact and small ones first."""
    by_spec: dict[str, list[int]] = {}
    for number, sample in sorted(samples, key=lambda pair: (pair[1].family != "exact", _size(pair[1]))):
        by_spec.setdefault(sample.spec, []).append(number)
    turns = [(turn, number) for numbers in by_spec.values() for turn, number in enumerate(numbers)]
    return [number for _, number in sorted(turns, key=lambda pair: pair[0])[:count]]
