"""Named mechanisms, and the failing samples that are attributed to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from convgauge.diagnosis.candidates import Candidate
from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.outcome import Outcome, changed, composed, outcome, outcome_of_plan
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.properties import grouped
from convgauge.diagnosis.sample import Sample

REORDERINGS = (MechanismKind.SWAPPED_AXES, MechanismKind.GROUPS_PERMUTED, MechanismKind.SHIFTED_OUTPUT)
"""Kinds that, for one memory layout alone, are a misread memory."""

MAX_CONTRARY_SHARE = 0.2
"""Failing samples with another output than a mechanism predicts, as a share of those that it explains."""


@dataclass(eq=False)
class Named:
    """A named mechanism with the failing samples that are attributed to it.

    ``known`` has outcomes of the mechanism by the id of their sample.
    """

    candidate: Candidate
    samples: list[Sample] = field(default_factory=list)
    known: dict[int, Outcome] = field(default_factory=dict, repr=False)

    def outcome(self, sample: Sample) -> Outcome:
        """Return the outcome of the mechanism on a sample, which is computed once."""
        if id(sample) not in self.known:
            self.known[id(sample)] = outcome(self.candidate.mechanism, sample)
        return self.known[id(sample)]

    def acts_on(self, sample: Sample) -> bool:
        """Return True if the mechanism acts on a call: the call is inside its region, and its output changes."""
        if self.candidate.is_conditional and not self.candidate.region.contains(sample.fields):
            return False
        return self.outcome(sample) != "invisible"

    def plan(self, sample: Sample) -> Plan | None:
        """Return the plan of a sample as the mechanism changes it; None if it does not act on the sample."""
        return changed(self.candidate.mechanism, sample) if self.acts_on(sample) else None

    def cause(self) -> Cause:
        """Return the cause."""
        mechanism, region = self.candidate.mechanism, self.candidate.region
        kind = mechanism.kind
        if self.candidate.is_conditional and region.is_of_layouts and kind in REORDERINGS:
            kind = MechanismKind.LAYOUT_ASSUMED
        where = "in some calls, by a rule that was not found" if self.candidate.is_occasional else region.clause
        return Cause(mechanism.slug, kind, mechanism.sentence, where, region.expression, tuple(self.samples))


def attribute_each(samples: Iterable[Sample], cause_of: Callable[[Sample], Named | None]) -> list[Sample]:
    """Attribute each sample to the mechanism that a function returns for it; return those for which it returns none."""
    left: list[Sample] = []
    for sample in samples:
        cause = cause_of(sample)
        (left if cause is None else cause.samples).append(sample)
    return left


def attribute(failing: Sequence[Sample], named: Sequence[Named]) -> list[Sample]:
    """Attribute failing samples to the named mechanisms that explain them; return the others.

    A plain sample is explained if its output is predicted. Another one, such as a law or a gradient, is explained if
    the mechanism acts on its call.
    """

    def cause_of(sample: Sample) -> Named | None:
        acting = [cause for cause in named if cause.acts_on(sample)]
        return _explaining(acting, named, sample) if sample.is_plain else next(iter(acting), None)

    return _attribute_consequences(attribute_each(failing, cause_of), named)


def withdraw(named: Sequence[Named], left: Sequence[Sample]) -> list[Sample]:
    """Withdraw the mechanisms that contradict too many failing samples; return the samples attributed to them.

    A mechanism predicts some outputs by chance, such as the bias of the first channel where that is the largest one.
    """
    withdrawn: list[Sample] = []
    for each in named:
        contrary = [s for s in left if s.is_plain and each.acts_on(s) and each.outcome(s) == "differs"]
        if len(contrary) > MAX_CONTRARY_SHARE * len(each.samples):
            withdrawn += each.samples
            each.samples = []
    return withdrawn


def _explaining(acting: Sequence[Named], named: Sequence[Named], sample: Sample) -> Named | None:
    """Return the one of the mechanisms acting on a sample that predicts it; the first if all together predict it.

    One that predicts it outside its region explains it as well: the region is the shortest rule for what was compared.
    """
    for cause in acting:
        if cause.outcome(sample) in ("fits", "unknown"):
            return cause
    plan = composed([cause.candidate.mechanism for cause in acting], sample)
    if len(acting) > 1 and outcome_of_plan(plan, sample) == "fits":
        return acting[0]
    return next((cause for cause in named if cause.outcome(sample) == "fits"), None)


def _attribute_consequences(left: Sequence[Sample], named: Sequence[Named]) -> list[Sample]:
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
