"""Explanation of failing samples: the rule by which a mechanism is named.

A mechanism is named if it predicts every failing sample that it explains, and if some short region holds for
these and for no sample that passed although the mechanism changes its output. Where several remain, further calls are
made on which they disagree. The first cause is the one that explains the most; its samples are set aside, and the
search continues. What is left is attributed to these causes where they act on the call, then to what the fault itself
states, and then to a region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from convgauge.diagnosis.candidates import Candidate, CandidateSearch
from convgauge.diagnosis.cause import Cause, Diagnosis
from convgauge.diagnosis.cleared import cleared_topics
from convgauge.diagnosis.consequences import (
    attribute_acceptances,
    attribute_laws,
    attribute_nonfinite,
    attribute_roundings,
    attribute_state,
)
from convgauge.diagnosis.experiments import POOL, varied
from convgauge.diagnosis.gradient_causes import gradient_causes
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.named import Named, attribute, withdraw
from convgauge.diagnosis.property_causes import (
    CHEATS,
    join_acceptance,
    join_effects_of_mutation,
    join_equal_kinds,
    join_equal_topics,
    stated_causes,
)
from convgauge.diagnosis.remark import remark
from convgauge.diagnosis.residue import named_beside
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.unnamed import unnamed_causes
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
    failing, passing = _by_result(samples)
    plain = [sample for sample in passing if sample.is_plain]
    if any(sample.is_gradient for sample in failing):
        return _explain_gradient(failing, plain)
    accepted, others = _divided(failing, _is_accepted)
    stated, left = stated_causes(others, plain, consequences=False)
    search, further = _search([sample for sample in left if sample.is_plain], plain, ask)
    named = _strongest(search)
    left = _attributed(left, named)
    beside, left = named_beside(named, left, plain) if named else ([], left)
    named += beside
    gradients, left = gradient_causes(left, passing)
    left += attribute_acceptances(accepted, named)
    laws, left = _divided(left, _is_shape_of_law) if named else ([], left)
    following, left = stated_causes(left, plain, consequences=True)
    left += laws
    mechanisms = join_equal_topics([each.cause() for each in named if each.samples])
    causes = [*join_equal_kinds([*stated, *following], mechanisms), *gradients]
    causes, left = attribute_laws(left, sorted(join_effects_of_mutation(join_acceptance(causes)), key=_precedence))
    all_causes = [*causes, *unnamed_causes(left, plain)]
    cleared = cleared_topics(failing, passing, all_causes)
    wrong, right = _by_result(further)
    return Diagnosis(all_causes, left, cleared, remark([*failing, *wrong], [*passing, *right], causes))


def _explain_gradient(failing: Sequence[Sample], plain: Sequence[Sample]) -> Diagnosis:
    """Return the causes of the failing samples of an implementation that computes a gradient."""
    accepted, others = _divided(failing, _is_accepted)
    stated, left = stated_causes(others, plain, consequences=False)
    gradients, left = gradient_causes(left, plain)
    following, left = stated_causes([*left, *accepted], plain, consequences=True)
    causes = sorted([*join_equal_kinds([*stated, *following], []), *gradients], key=_precedence)
    all_causes = [*causes, *unnamed_causes(left, plain)]
    return Diagnosis(all_causes, left, cleared_topics(failing, plain, all_causes), "")


def _is_accepted(sample: Sample) -> bool:
    """Return True for an invalid call that was answered."""
    return sample.fault is not None and sample.fault.kind == "answered_invalid"


def _is_shape_of_law(sample: Sample) -> bool:
    """Return True for a law one call of which has a wrong shape, as a kernel that misreads an argument gives."""
    return sample.is_law and sample.fault is not None and sample.fault.kind == "shape"


def _precedence(cause: Cause) -> tuple[bool, bool, int]:
    """Return a sort key: cheats are first, invalid calls last, and before that the causes of the most specs."""
    return (
        cause.kind not in CHEATS,
        cause.kind == MechanismKind.ACCEPTS_INVALID,
        -len({sample.spec for sample in cause.samples}),
    )


def _search(
    failing: Sequence[Sample], passing: Sequence[Sample], ask: Ask | None
) -> tuple[CandidateSearch, Sequence[Sample]]:
    """Return the search among plain samples, and the samples of further calls, which are made if it needs them."""
    search = CandidateSearch(failing, passing)
    if ask is None or not failing:
        return search, ()
    if not _is_little(failing, passing) and not _is_open(search.candidates(search.failing)):
        return search, ()
    further = ask([*varied(_smallest(failing).problem), *_pool(failing)])
    wrong, right = _by_result({sample.case: sample for sample in further}.values())  # equal calls prove nothing more
    return CandidateSearch([*failing, *wrong], [*passing, *right]), further


def _by_result(samples: Iterable[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Return the failing and the passing ones of some samples."""
    return _divided(samples, lambda sample: sample.fault is not None)


def _divided(samples: Iterable[Sample], test: Callable[[Sample], bool]) -> tuple[list[Sample], list[Sample]]:
    """Return the samples for which a test holds, and the others."""
    having: list[Sample] = []
    others: list[Sample] = []
    for sample in samples:
        (having if test(sample) else others).append(sample)
    return having, others


def _strongest(search: CandidateSearch) -> list[Named]:
    """Return the strongest mechanism, the strongest for the samples on which that one does not act, and so on."""
    named: list[Named] = []
    due = set(search.failing)
    while due and len(named) < MAX_CAUSES and (candidate := search.best(due)) is not None:
        named.append(Named(candidate, known=search.outcomes.of_mechanism(candidate.mechanism)))
        due -= {number for number in due if named[-1].acts_on(search.samples[number])}
    return named


def _attributed(failing: Sequence[Sample], named: Sequence[Named]) -> list[Sample]:
    """Attribute failing samples to mechanisms and what follows from them; return the others."""
    left = attribute(failing, named)
    for follow in (attribute_roundings, attribute_nonfinite, attribute_state):
        left = follow(left, named)
    return left + withdraw(named, left)


def _smallest(samples: Sequence[Sample]) -> Sample:
    return min(samples, key=lambda sample: sample.problem.flops)


def _pool(plain: Sequence[Sample]) -> list[Problem]:
    """Return the problems of all kinds, in the dtype of the smallest failing sample."""
    return [problem.replace(dtype=_smallest(plain).problem.dtype) for problem in POOL]


def _is_open(candidates: Sequence[Candidate]) -> bool:
    """Return True if no candidate was found, or if two of them explain equally well."""
    return not candidates or (len(candidates) > 1 and candidates[1].strength >= candidates[0].strength)


def _is_little(failing: Sequence[Sample], passing: Sequence[Sample]) -> bool:
    return len(failing) < ENOUGH_FAILING or len(passing) < ENOUGH_PASSING
