"""Residue: failing samples that named mechanisms leave, and the mechanism that predicts them beside these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convgauge.diagnosis.candidates import MIN_SHARE, CandidateSearch
from convgauge.diagnosis.named import Named
from convgauge.diagnosis.outcome import outcome
from convgauge.diagnosis.sample import Sample

MIN_LEFT = 4
"""Plain samples that are left, for which a further mechanism is searched."""


def named_beside(
    named: Sequence[Named], left: Sequence[Sample], passing: Sequence[Sample]
) -> tuple[list[Named], list[Sample]]:
    """Return the mechanism that predicts nearly all plain samples that are left, if there is one, and the others.

    Families read their parameters off a few failing samples, which may all have been of another fault. A sample on
    which a named mechanism acts is compared with a kernel that has both faults.

    Parameters
    ----------
    named : sequence of Named
        Mechanisms that were named before.
    left : sequence of Sample
        Failing samples that these do not explain.
    passing : sequence of Sample
        Plain samples that passed.
    """
    plain = [sample for sample in left if sample.is_plain]
    if len(plain) < MIN_LEFT:
        return [], list(left)
    residue = [_with_fault(sample, named) for sample in plain]
    search = CandidateSearch(residue, passing)
    due = list(search.failing)
    candidate = search.best(due)
    if candidate is None or candidate.is_occasional or len(candidate.explained) < MIN_SHARE * len(due):
        return [], list(left)
    pairs = zip(plain, residue, strict=True)
    explained = [sample for sample, with_fault in pairs if outcome(candidate.mechanism, with_fault) == "fits"]
    in_cause = set(map(id, explained))
    return [Named(candidate, explained)], [sample for sample in left if id(sample) not in in_cause]


def _with_fault(sample: Sample, named: Sequence[Named]) -> Sample:
    """Return a sample whose plan is that of a kernel with the fault that acts on it."""
    plan = next((plan for each in named if (plan := each.plan(sample)) is not None), None)
    if plan is None:
        return sample
    with_fault = replace(sample)
    with_fault.__dict__["plan"] = plan  # in place of the cached one
    return with_fault
