"""Explanation of failing samples: the rule by which a mechanism is named.

A mechanism is named if it predicts every failing sample that it is said to explain, and if some short region holds for
these and for no sample that passed although the mechanism changes its output. Where several remain, further calls are
made on which they disagree. The first cause is the one that explains the most; its samples are set aside, and the
search goes on. What is left is attributed to these causes where they act on the call, then to what the fault itself
states, and then to a region.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from convgauge.diagnosis.candidates import Candidate, CandidateSearch
from convgauge.diagnosis.cause import Cause, Diagnosis
from convgauge.diagnosis.experiments import POOL, varied
from convgauge.diagnosis.outcome import changed, composed, outcome_of_plan
from convgauge.diagnosis.properties import grouped
from convgauge.diagnosis.property_causes import CHEATS, stated_causes
from convgauge.diagnosis.sample import Sample
from convgauge.problem import Problem

MAX_CAUSES = 6
"""Mechanisms that are named for one implementation."""

ENOUGH_FAILING, ENOUGH_PASSING = 24, 150
"""Plain samples with which no further calls are needed, unless several mechanisms explain them equally well."""

Ask = Callable[[Sequence[Problem]], Sequence[Sample]]
"""Function that makes a call on exact operands for each problem, and returns those that were answered."""


def explain(samples: Sequence[Sample], ask: Ask | None = None) -> Diagnosis:
    """Return the causes of the failing samples.

    Parameters
    ----------
    samples : sequence of Sample
        Judged calls of one implementation, passing ones included.
    ask : callable, optional
        Function that makes further calls.
    """
    failing = [sample for sample in samples if sample.fault is not None]
    passing = [sample for sample in samples if sample.fault is None and sample.is_plain]
    stated, failing = stated_causes(failing, passing, consequences=False)
    named = _name(failing, passing, ask)
    left = _attribute_consequences(_set_aside(failing, named), named)
    further, left = stated_causes(left, passing, consequences=True)
    causes = [*stated, *(cause.record() for cause in named if cause.samples), *further]
    return Diagnosis(sorted(causes, key=_precedence), left, {})


def _precedence(cause: Cause) -> tuple[bool, int]:
    """Return a sort key: cheats are first, then the causes that explain the most specs."""
    return cause.kind not in CHEATS, -len({sample.spec for sample in cause.samples})


@dataclass(eq=False)
class _Named:
    """A named mechanism with the failing samples that are attributed to it."""

    candidate: Candidate
    samples: list[Sample] = field(default_factory=list)

    def acts_on(self, sample: Sample) -> bool:
        """Return True if the mechanism acts on a call: the call is inside its region, and its output changes."""
        if self.candidate.is_conditional and not self.candidate.region.contains(sample.fields):
            return False
        plan = changed(self.candidate.mechanism, sample)
        return outcome_of_plan(plan, sample) != "invisible"

    def record(self) -> Cause:
        """Return the cause."""
        mechanism, region = self.candidate.mechanism, self.candidate.region
        return Cause(
            mechanism.slug, mechanism.kind, mechanism.sentence, region.sentence, region.expression, tuple(self.samples)
        )


def _name(failing: Sequence[Sample], passing: Sequence[Sample], ask: Ask | None) -> list[_Named]:
    """Return the mechanisms that are named, the strongest first."""
    plain = [sample for sample in failing if sample.is_plain]
    if not plain:
        return []
    search = CandidateSearch(plain, passing)
    if ask is not None and (_is_little(plain, passing) or _is_tied(search.candidates(search.failing))):
        further = ask([*varied(_smallest(plain).problem), *_pool(plain)])
        plain = [*plain, *(sample for sample in further if sample.fault is not None)]
        search = CandidateSearch(plain, [*passing, *(sample for sample in further if sample.fault is None)])
    named: list[_Named] = []
    due = set(search.failing)
    while due and len(named) < MAX_CAUSES and (candidate := search.best(due)) is not None:
        named.append(_Named(candidate))
        due -= {number for number in due if named[-1].acts_on(search.samples[number])}
    return named


def _smallest(samples: Sequence[Sample]) -> Sample:
    return min(samples, key=lambda sample: sample.problem.flops)


def _pool(plain: Sequence[Sample]) -> list[Problem]:
    """Return the problems of all kinds, in the dtype of the smallest failing sample."""
    return [problem.replace(dtype=_smallest(plain).problem.dtype) for problem in POOL]


def _is_tied(candidates: Sequence[Candidate]) -> bool:
    return len(candidates) > 1 and candidates[1].strength >= candidates[0].strength


def _is_little(failing: Sequence[Sample], passing: Sequence[Sample]) -> bool:
    return len(failing) < ENOUGH_FAILING or len(passing) < ENOUGH_PASSING


def _set_aside(failing: Sequence[Sample], named: Sequence[_Named]) -> list[Sample]:
    """Attribute failing samples to the named mechanisms that explain them; return the others."""
    left = []
    for sample in failing:
        acting = [cause for cause in named if cause.acts_on(sample)]
        if acting and (not sample.is_plain or _explains(acting, sample)):
            acting[0].samples.append(sample)
        else:
            left.append(sample)
    return left


def _attribute_consequences(left: Sequence[Sample], named: Sequence[_Named]) -> list[Sample]:
    """Attribute exceptions, shapes and gradients to a mechanism that acts on all calls of a group; return the others.

    A kernel that misreads a call may raise an exception where another one would give a wrong output.
    """
    attributed: set[int] = set()
    for group in grouped(left):
        cause = next((cause for cause in named if all(map(cause.acts_on, group.samples))), None)
        if cause is not None and group.property.is_consequence_possible:
            cause.samples += group.samples
            attributed |= set(map(id, group.samples))
    return [sample for sample in left if id(sample) not in attributed]


def _explains(acting: Sequence[_Named], sample: Sample) -> bool:
    """Return True if one of the mechanisms that act on a sample, or all of them together, predict it."""
    mechanisms = [cause.candidate.mechanism for cause in acting]
    single = [changed(mechanism, sample) for mechanism in mechanisms]
    return any(outcome_of_plan(plan, sample) in ("fits", "unknown") for plan in (*single, composed(mechanisms, sample)))
