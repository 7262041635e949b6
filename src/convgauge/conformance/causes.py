"""Causes of an implementation as facts: the specs that they explain, those that none explains, causes of shards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from convgauge.conformance.case_words import parameter_count
from convgauge.conformance.verdict import WRONG
from convgauge.results import CauseRecord, Counterexample, Judgement, SpecRecord
from convgauge.terms import STRICTNESS_FAULTS


def failing_specs(records: Iterable[SpecRecord]) -> list[str]:
    """Return the ids of the specs that are not met, each once; an unexpected pass and an expected failure are none."""
    return list(dict.fromkeys(r.spec for r in records if r.status in (*WRONG, *STRICTNESS_FAULTS)))


def named(causes: Iterable[CauseRecord]) -> list[CauseRecord]:
    """Return the causes that name a mechanism."""
    return [cause for cause in causes if cause.mechanism]


def unexplained_specs(records: Iterable[SpecRecord], causes: Iterable[CauseRecord]) -> list[str]:
    """Return the ids of the failing specs that no mechanism explains."""
    explained = {spec for cause in named(causes) for spec in cause.specs}
    return [spec for spec in failing_specs(records) if spec not in explained]


def joined(causes: Iterable[CauseRecord]) -> list[CauseRecord]:
    """Return the causes of several shards, with one for equal mechanisms of equal regions of one implementation.

    Its specs are those of all, its cases are their sum, and the smallest counterexample is kept. A cause that explains
    more specs comes first, and those without a mechanism come last.
    """
    groups: dict[tuple[str, str, str, str], list[CauseRecord]] = {}
    for cause in causes:
        sentence = "" if cause.mechanism else cause.sentence  # of a deviation without a mechanism
        groups.setdefault((cause.implementation, cause.mechanism, cause.region, sentence), []).append(cause)
    return sorted(map(_union, groups.values()), key=lambda cause: (not cause.mechanism, -len(cause.specs)))


def _union(causes: Sequence[CauseRecord]) -> CauseRecord:
    smallest = min(causes, key=lambda cause: example_size(cause.counterexample))
    return msgspec.structs.replace(
        smallest,
        specs=list(dict.fromkeys(spec for cause in causes for spec in cause.specs)),
        cases=sum(cause.cases for cause in causes),
    )


def with_findings(
    judgement: Judgement, parts: Sequence[Judgement], records: Sequence[SpecRecord], causes: Sequence[CauseRecord]
) -> Judgement:
    """Return the judgement of a whole run with what the diagnoses of its parts found.

    Parameters
    ----------
    judgement
        Judgement of the implementation, from the records of all parts.
    parts
        Its judgements in the parts.
    records, causes
        Its records and its causes.
    """
    diagnosed = [part for part in parts if part.unexplained or part.cleared or part.remark]
    topics = set.intersection(*(set(part.cleared) for part in diagnosed)) if diagnosed else set()
    remarks = {part.remark for part in diagnosed}
    return msgspec.structs.replace(
        judgement,
        unexplained=len(unexplained_specs(records, causes)),
        remark=remarks.pop() if len(remarks) == 1 else "",
        cleared={
            topic: sum(part.cleared[topic] for part in diagnosed)
            for topic in (diagnosed[0].cleared if diagnosed else ())
            if topic in topics
        },
    )


def example_size(example: Counterexample | None) -> tuple[int, int, int, int, int]:
    """Return a sorting key, the smallest counterexample first: few earlier calls, few outputs, a plain problem."""
    if example is None:
        return (1, 0, 0, 0, 0)
    outputs = example.outputs or 1 << 30
    return (0, len(example.after), outputs, parameter_count(example.problem), len(example.problem))
