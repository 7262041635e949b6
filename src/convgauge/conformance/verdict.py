"""Verdict of each implementation, and the exit status of a run: both follow from the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from convgauge.reference.accuracy import lowest_grade
from convgauge.results import Judgement, SpecRecord
from convgauge.terms import FAULTS, ExitStatus, Verdict


def judgement(name: str, records: Sequence[SpecRecord]) -> Judgement:
    """Return verdict, grade and counts of one implementation.

    An implementation is nonconformant if a required spec has a fault, even an expected one. It is unjudged if no case
    was executed.
    """
    records = [record for record in records if record.implementation == name]
    outcomes: Counter[str] = Counter()
    for record in records:
        outcomes.update(record.outcomes)
    executed = sum(record.cases for record in records)
    verdict: Verdict
    if not executed:
        verdict = "unjudged"
    elif any(record.status in (*FAULTS, "xfailed") and record.level == "required" for record in records):
        verdict = "nonconformant"
    else:
        verdict = "conformant with declines" if outcomes["declined"] else "conformant"
    return Judgement(
        verdict,
        lowest_grade([record.grade for record in records if record.grade and record.level == "required"]),
        executed,
        outcomes["declined"],
        dict(Counter(record.status for record in records)),
    )


def exit_status(
    records: Sequence[SpecRecord], *, has_internal_error: bool = False, has_unloadable: bool = False
) -> ExitStatus:
    """Return the exit status of a complete run; a recommended spec and an expected failure do not count.

    Parameters
    ----------
    records
        All records of the run.
    has_internal_error
        True if a spec failed otherwise than by a verdict.
    has_unloadable
        True if an implementation could not be loaded.
    """
    if has_internal_error:
        return ExitStatus.INTERNAL_ERROR
    faults = {record.status for record in records if record.status in FAULTS and record.level == "required"}
    if has_unloadable or faults - {"xpassed"}:
        return ExitStatus.NOT_REACHED
    if not any(record.cases for record in records):  # nothing is shown to be right, or to pass unexpectedly
        return ExitStatus.NOTHING_EXECUTED
    return ExitStatus.NOT_REACHED if faults else ExitStatus.REACHED
