"""Properties of failing samples, and the groups of those that have one cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from convgauge.diagnosis.broken_rules import broken_rules, unchecked_rules
from convgauge.diagnosis.cheats import cheat_of
from convgauge.diagnosis.fault_readers import LATE_WRITES, READERS, wrong_answer_to_invalid_call
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.property import Property
from convgauge.diagnosis.sample import Sample

Pair = tuple[Property, Sample]

ENDING_KINDS = (MechanismKind.CRASH, MechanismKind.HANG, MechanismKind.CHEAT_HARNESS)
"""Kinds of what may end a process, after which further cases are not called."""

MIN_SIMILARITY = 0.85
"""Share of equal characters of two messages that have one reason."""

UNKNOWN_EXCEPTION = "raises_an_exception"
"""Slug of an exception whose type and message are not known."""

MAX_MESSAGES = 30
"""Messages that are compared with each other."""


@dataclass(frozen=True, eq=False)
class PropertyGroup:
    """A property, and the failing samples that have it."""

    property: Property
    samples: tuple[Sample, ...]


def observed(sample: Sample) -> Property | None:
    """Return what the fault of a sample states by itself; None if it passed, or if only its values are wrong."""
    fault = sample.fault
    if fault is None or fault.not_called:
        return None
    if (cheat := cheat_of(sample, fault)) is not None:
        return cheat
    read = READERS.get(fault.kind)
    property = None if read is None else read(sample, fault)
    if fault.kind in ("values", "shape", "dtype") and broken_rules(sample.call):
        return wrong_answer_to_invalid_call(sample)
    return property


def grouped(samples: Iterable[Sample]) -> list[PropertyGroup]:
    """Return the properties of failing samples, each with its samples, that of the most specs first.

    Samples that state nothing by themselves are in no group. Those that were not called, because the process had ended
    too often, are in the group of the endings.
    """
    samples = list(samples)
    groups = _of_equal_slugs([(property, sample) for sample in samples if (property := observed(sample)) is not None])
    _join_consequences(groups)
    _join_similar_exceptions(groups)
    _add_not_called(groups, samples)
    _add_early_reads(groups, samples)
    joined = [_joined(pairs) for pairs in groups.values()]
    return sorted(joined, key=lambda group: -len({sample.spec for sample in group.samples}))


def _of_equal_slugs(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Return samples by the slug of their property: of several possible ones, the one that most samples may have."""
    groups: dict[str, list[Pair]] = {}
    while pairs:
        counts = Counter(each.slug for property, _ in pairs for each in (property, *property.rivals))
        slug = max(counts, key=counts.__getitem__)
        chosen = [(each, sample) for property, sample in pairs
                  for each in (property, *property.rivals) if each.slug == slug]  # fmt: skip
        groups[slug] = chosen
        pairs = [(property, sample) for property, sample in pairs
                 if slug not in [each.slug for each in (property, *property.rivals)]]  # fmt: skip
    return groups


def _joined(pairs: Sequence[Pair]) -> PropertyGroup:
    first, samples = pairs[0][0], tuple(sample for _, sample in pairs)
    items = tuple(dict.fromkeys(item for property, _ in pairs for item in property.items))
    if first.kind == MechanismKind.ACCEPTS_INVALID:
        items = tuple(unchecked_rules([sample.call for sample in samples])) or items
    is_consequence_possible = all(property.is_consequence_possible for property, _ in pairs)
    return PropertyGroup(replace(first, items=items, is_consequence_possible=is_consequence_possible), samples)


def _join_consequences(groups: dict[str, list[Pair]]) -> None:
    """Join each group to the one from which it follows: an exception in a call mode to that of plain calls."""
    for slug, pairs in list(groups.items()):
        reason = pairs[0][0].explained_by
        if reason in groups:
            groups[reason] += groups.pop(slug)


def _join_similar_exceptions(groups: dict[str, list[Pair]]) -> None:
    """Join exceptions of valid calls whose messages differ in a few words, such as the type of an argument.

    Those of which nothing is known, as of a law's further calls, join the largest group.
    """
    raising = [slug for slug, pairs in groups.items() if pairs[0][0].kind == MechanismKind.REFUSES_VALID]
    known = [slug for slug in raising if slug != UNKNOWN_EXCEPTION]
    if known and UNKNOWN_EXCEPTION in raising:
        raising = known
        groups[max(known, key=lambda slug: len(groups[slug]))] += groups.pop(UNKNOWN_EXCEPTION)
    for number, slug in enumerate(raising[:MAX_MESSAGES]):
        for earlier in raising[:number]:
            if earlier in groups and _is_similar(groups[earlier][0][0].text, groups[slug][0][0].text):
                groups[earlier] += groups.pop(slug)
                break


def _is_similar(first: str, second: str) -> bool:
    return SequenceMatcher(None, first, second).ratio() >= MIN_SIMILARITY


def _add_early_reads(groups: dict[str, list[Pair]], samples: Sequence[Sample]) -> None:
    """Add wrong values to the outputs that change later: an output that is read too early is wrong."""
    if LATE_WRITES in groups:
        property = groups[LATE_WRITES][0][0]
        wrong = [
            sample for sample in samples if sample.fault is not None and sample.fault.kind in ("values", "accuracy")
        ]
        groups[LATE_WRITES] += [(property, sample) for sample in wrong if observed(sample) is None]
        for slug in [slug for slug, pairs in groups.items() if is_wrong_answer(pairs[0][0])]:
            groups[LATE_WRITES] += [(property, sample) for _, sample in groups.pop(slug)]


def is_wrong_answer(property: Property) -> bool:
    """Return True for calls that might have been refused, and were answered wrongly."""
    return property.kind == MechanismKind.ACCEPTS_INVALID and property.is_consequence_possible


def _add_not_called(groups: dict[str, list[Pair]], samples: Sequence[Sample]) -> None:
    """Add the samples that were not called to the largest group of endings."""
    endings = [pairs for pairs in groups.values() if pairs[0][0].kind in ENDING_KINDS]
    if endings:
        largest = max(endings, key=len)
        not_called = [sample for sample in samples if sample.fault is not None and sample.fault.not_called]
        largest += [(largest[0][0], sample) for sample in not_called]
