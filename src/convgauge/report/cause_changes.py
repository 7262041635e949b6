"""Changes of causes between two runs: a new cause is a regression, and one that vanished is an improvement."""

from __future__ import annotations

from collections.abc import Iterator

from convgauge.conformance.cause_text import region
from convgauge.report.change import Change
from convgauge.results import CauseRecord, Run, SpecRecord

FIRST_SCHEMA = 4
"""Oldest schema whose runs have causes: the absence of one in an older run shows nothing."""

Key = tuple[str, str]

NO_CAUSE = "not a cause"


def cause_changes(old: Run, new: Run) -> Iterator[Change]:
    """Yield the causes that are new or vanished, and those whose region changed, of implementations in both runs.

    A cause breaks or is fixed only if the other run has judged one of its specs.
    """
    if not (is_diagnosed(old) and is_diagnosed(new)):
        return
    before, after = _causes(old), _causes(new)
    for key, cause in after.items():
        name = f"{cause.implementation}: {cause.sentence}"
        if key not in before:
            kind = "broke" if _has_judged(old, cause) else "appeared"
            yield Change(kind, name, NO_CAUSE, _where(cause))
        elif before[key].region != cause.region:
            yield Change("changed", name, _where(before[key]), _where(cause))
    for key, cause in before.items():
        if key not in after:
            kind = "fixed" if _has_judged(new, cause) else "vanished"
            yield Change(kind, f"{cause.implementation}: {cause.sentence}", _where(cause), NO_CAUSE)


def is_diagnosed(run: Run) -> bool:
    """Return True if failures of the run were diagnosed: it is complete, and of a version that does so."""
    return run.footer is not None and run.header.schema >= FIRST_SCHEMA


def _causes(run: Run) -> dict[Key, CauseRecord]:
    """Return the causes by implementation and mechanism, or by their sentence if they name no mechanism."""
    return {(cause.implementation, cause.mechanism or cause.sentence): cause for cause in run.records_of(CauseRecord)}


def _has_judged(run: Run, cause: CauseRecord) -> bool:
    return any(r.implementation == cause.implementation and r.spec in cause.specs for r in run.records_of(SpecRecord))


def _where(cause: CauseRecord) -> str:
    return region(cause) or "everywhere"
