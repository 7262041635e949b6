"""Causes that faults state by themselves, with the region in which they occur."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convgauge.diagnosis.broken_rules import broken_arguments
from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.failure_region import Region, either, find_region
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.properties import PropertyGroup, grouped, is_wrong_answer, observed
from convgauge.diagnosis.sample import Sample

MAX_INSIDE, MAX_OUTSIDE = 200, 400
"""Samples among which a region is searched."""

CHEATS = (MechanismKind.CHEAT_COMPARISON, MechanismKind.CHEAT_HARNESS)

MISREADINGS = (MechanismKind.AXIS_SHARED, MechanismKind.ARGUMENT_IGNORED, MechanismKind.ARGUMENT_MISREAD)
"""Kinds from which it follows that an invalid argument is not noticed."""

WITHOUT_REGION = (
    *CHEATS,
    MechanismKind.ACCEPTS_INVALID,
    MechanismKind.FALSE_DECLARATION,
    MechanismKind.FORKED_CHILD,
    MechanismKind.GLOBAL_STATE,
    MechanismKind.NONDETERMINISTIC,
    MechanismKind.OTHER_PROCESS,
    MechanismKind.THREAD_RACE,
)
"""Kinds whose faults only some specs can see, so that the cases of others do not show where they are absent."""


def stated_causes(
    failing: Sequence[Sample], passing: Sequence[Sample], *, consequences: bool
) -> tuple[list[Cause], list[Sample]]:
    """Return the causes that failing samples state by themselves, and the samples that these do not explain.

    Parameters
    ----------
    failing, passing : sequences of Sample
        Samples of one implementation.
    consequences : bool
        Include what may follow from a fault of the values: exceptions, shapes, gradients. To be asked for after
        mechanisms have explained what they can.
    """
    groups = [group for group in grouped(failing) if consequences or not group.property.is_consequence_possible]
    if any(sample.is_plain and observed(sample) is None for sample in failing):
        # the values of valid calls are wrong too, so that those of invalid ones prove nothing
        groups = [group for group in groups if not is_wrong_answer(group.property)]
    explained = {id(sample) for group in groups for sample in group.samples}
    causes = [_cause(group, passing) for group in groups]
    return causes, [sample for sample in failing if id(sample) not in explained]


def join_acceptance(causes: Sequence[Cause]) -> list[Cause]:
    """Join the acceptance of invalid arguments to a cause that misreads the same argument.

    A kernel that reads the first number of a pair alone does not notice that the second is negative.
    """
    joined = list(causes)
    for accepting in [cause for cause in causes if cause.kind == MechanismKind.ACCEPTS_INVALID]:
        names = {name for sample in accepting.samples for name in broken_arguments(sample.call)}
        reason = next((c for c in joined if c.kind in MISREADINGS and {c.topic} == names), None)
        if reason is not None:
            joined[joined.index(reason)] = replace(reason, samples=(*reason.samples, *accepting.samples))
            joined.remove(accepting)
    return joined


def join_equal_topics(mechanisms: Sequence[Cause]) -> list[Cause]:
    """Join causes of one kind and topic, such as a dilation that is ignored with another size of the output elsewhere.

    The joined cause has the sentence of the first one, and the regions of all.
    """
    joined: dict[tuple[str, str], Cause] = {}
    for cause in mechanisms:
        key = cause.kind, cause.topic
        first = joined.get(key)
        joined[key] = cause if first is None else _with_regions(first, cause)
    return list(joined.values())


def _with_regions(first: Cause, other: Cause) -> Cause:
    region = ", and ".join((first.region, other.region)) if first.region and other.region else ""
    expression = either((first.expression, other.expression))
    return replace(first, region=region, expression=expression, samples=(*first.samples, *other.samples))


def join_effects_of_mutation(causes: Sequence[Cause]) -> list[Cause]:
    """Join exceptions and ends of the process to a cause that changes operands: later calls have them as well."""
    reason = next((cause for cause in causes if cause.kind == MechanismKind.MUTATES_OPERANDS), None)
    if reason is None:
        return list(causes)
    effects = [cause for cause in causes if cause.kind in (MechanismKind.CRASH, MechanismKind.REFUSES_VALID)]
    samples = (*reason.samples, *(sample for cause in effects for sample in cause.samples))
    return [replace(reason, samples=samples), *(each for each in causes if each not in (reason, *effects))]


def join_equal_kinds(stated: Sequence[Cause], mechanisms: Sequence[Cause]) -> list[Cause]:
    """Return all causes; what faults state is joined to a mechanism of the same kind, from which it follows."""
    joined, others = list(mechanisms), []
    for cause in stated:
        number = next((n for n, each in enumerate(joined) if each.kind == cause.kind), None)
        if number is None:
            others.append(cause)
        else:
            joined[number] = replace(joined[number], samples=(*joined[number].samples, *cause.samples))
    return [*joined, *others]


def _cause(group: PropertyGroup, passing: Sequence[Sample]) -> Cause:
    property, region = group.property, _region(group, passing)
    return Cause(property.slug, property.kind, property.sentence, region.clause, region.expression, group.samples)


def _region(group: PropertyGroup, passing: Sequence[Sample]) -> Region:
    """Return the region of a group's plain calls; everywhere if there is no short one, or if calls are errors."""
    called = [sample for sample in group.samples if sample.fault is not None and not sample.fault.not_called]
    inside = [sample.fields for sample in called if sample.is_plain][:MAX_INSIDE]
    outside = [sample.fields for sample in passing if sample.is_plain][:MAX_OUTSIDE]
    has_errors = not all(sample.is_answer_allowed for sample in called)
    if group.property.kind in WITHOUT_REGION or has_errors or not inside or not outside:
        return Region()
    return find_region(inside, outside) or Region()
