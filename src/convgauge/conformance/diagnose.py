"""Diagnosis of an implementation after judging: from its evidence to the records of its causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from convgauge.conformance.causes import example_size, failing_specs, unexplained_specs
from convgauge.conformance.evidence import Evidence
from convgauge.diagnosis.cause import Cause, Diagnosis
from convgauge.diagnosis.explain import Ask, explain
from convgauge.domain import Domain, DomainError
from convgauge.results import CauseRecord, Counterexample, SpecRecord


class Findings(msgspec.Struct, frozen=True):
    """Result of a diagnosis: the causes' records, and what the footer says about all failures."""

    causes: list[CauseRecord]
    unexplained: int
    cleared: dict[str, int]
    remark: str


def diagnose(name: str, evidence: Evidence, records: Sequence[SpecRecord], ask: Ask | None = None) -> Findings | None:
    """Return the causes of an implementation's failures; None if nothing failed.

    Parameters
    ----------
    name : str
        Name of the implementation.
    evidence : Evidence
        Its judged cases.
    records : sequence of SpecRecord
        Its records.
    ask : callable, optional
        Function that makes further calls.
    """
    if not evidence.failed:
        return None
    diagnosis = explain(evidence.samples(), ask)
    every_cause = [_record(name, cause, diagnosis, records) for cause in diagnosis.causes]
    for spec, fields in evidence.large:
        _attribute(spec, fields, every_cause, records)
    causes = [cause for cause in every_cause if cause.specs]
    return Findings(causes, len(unexplained_specs(records, causes)), diagnosis.cleared, diagnosis.remark)


def _record(name: str, cause: Cause, diagnosis: Diagnosis, records: Sequence[SpecRecord]) -> CauseRecord:
    recorded = {record.spec for record in records}  # a run that stops early has cases of specs without a record
    samples = [sample for sample in cause.samples if sample.spec in recorded]
    specs = list(dict.fromkeys(sample.spec for sample in samples))
    others = {sample.spec for other in diagnosis.causes if other is not cause for sample in other.samples}
    mixed = others | {sample.spec for sample in diagnosis.unexplained}
    pure = [spec for spec in specs if spec not in mixed]  # their counterexamples are of this cause
    smallest = _smallest(pure or specs, records)
    return CauseRecord(
        name,
        cause.mechanism,
        cause.kind,
        cause.sentence,
        cause.region,
        cause.expression,
        specs,
        len(samples),
        smallest,
        "" if smallest is None else smallest.reproduce,
        [] if smallest is None else smallest.after,
    )


def _attribute(
    spec: str, fields: Mapping[str, object], causes: list[CauseRecord], records: Sequence[SpecRecord]
) -> None:
    """Count a failing case that is too large to be predicted with the first mechanism whose region it is in."""
    for number, cause in enumerate(causes):
        is_everywhere = not cause.region
        if cause.mechanism and (is_everywhere or (cause.expression and _contains(cause.expression, fields))):
            specs = cause.specs if spec in cause.specs or spec not in failing_specs(records) else [*cause.specs, spec]
            causes[number] = msgspec.structs.replace(cause, specs=specs, cases=cause.cases + 1)
            return


def _contains(expression: str, fields: Mapping[str, object]) -> bool:
    """Return True if a region holds for fields; False if it names others, such as values of operands."""
    try:
        return Domain.parse(expression).contains(fields)
    except DomainError:
        return False


def _smallest(specs: Sequence[str], records: Sequence[SpecRecord]) -> Counterexample | None:
    """Return the smallest counterexample of some specs; one that a case reproduces, if there is one."""

    def size(example: Counterexample) -> tuple[bool, tuple[int, int, int, int, int]]:
        return " reproduce " not in example.reproduce, example_size(example)

    shown = [r.counterexample for r in records if r.spec in specs and r.counterexample is not None]
    return min(shown, key=size, default=None)
