"""Verdict of each implementation, and the exit status of a run: both follow from the records.

The verdict is a rung of a ladder. It follows from three facts: whether the answers are right, how many of the valid
problems are answered, and whether invalid calls are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from convgauge.conformance.limits import is_of_errors, merged, with_cases
from convgauge.conformance.sufficiency import insufficient
from convgauge.domain import OUTSIDE
from convgauge.reference.accuracy import lowest_grade
from convgauge.results import ImplementationRecord, Judgement, SpecRecord
from convgauge.terms import FAULTS, UNANSWERED, Agreement, ExitStatus, Requirement, Verdict

WRONG = tuple(status for status in FAULTS if status != "xpassed")
"""Statuses of a required spec that make the verdict wrong. A spec that passes unexpectedly is met."""


def judgement(
    name: str, records: Sequence[SpecRecord], implementation: ImplementationRecord | None = None
) -> Judgement:
    """Return the verdict of one implementation, and the facts that it follows from.

    Parameters
    ----------
    name
        Name of the implementation.
    records
        Records of the run; those of other implementations do not count.
    implementation
        What was found out about the implementation: its limits in words.
    """
    records = [record for record in records if record.implementation == name]
    required = [record for record in records if record.level == "required"]
    outcomes = _outcomes(records)
    reason = _unjudged_reason(records, "" if implementation is None else implementation.supports)
    is_strict = None if reason else _is_strict(required)
    return Judgement(
        _verdict(required, reason),
        lowest_grade([record.grade for record in required if record.grade]),
        sum(record.cases for record in records),
        outcomes["declined"],
        dict(Counter(record.status for record in records)),
        outcomes["refused"],
        coverage(required),
        _limits(required, implementation),
        is_strict,
        _answered_invalid(required),
        reason,
        reproducibility=reproducibility(records),
    )


def _verdict(required: Sequence[SpecRecord], unjudged_reason: str) -> Verdict:
    """Return the rung that the records of the required specs reach."""
    if any(is_wrong(record) for record in required):
        return "wrong"
    if unjudged_reason:
        return "unjudged"
    outcomes, percent = _outcomes(required), coverage(required)
    if any(outcomes[status] for status in UNANSWERED) or (percent is not None and percent < 100):
        return "partial"
    return "conformant" if _is_strict(required) is not False else "complete"


def is_wrong(record: SpecRecord) -> bool:
    """Return True if a spec shows that the implementation is wrong, also if that is expected."""
    if record.status != "xfailed":
        return record.status in WRONG
    # without outcomes, the subject was given up before the first case
    return not record.outcomes.get("answered_invalid") or any(record.outcomes.get(status) for status in WRONG)


def _unjudged_reason(records: Sequence[SpecRecord], supports: str = "") -> str:
    """Return why there is no verdict, with the most frequent refusal, or "" if there is one."""
    reason, refusals = insufficient(records), _refusals(records)
    outcomes = _outcomes(records)
    is_empty = outcomes["declined"] and not outcomes["refused"] and not any(record.redrawn for record in records)
    if reason and supports and is_empty:
        return f"the declared domain, {supports}, excludes all {outcomes['declined']:,} valid cases: widen it"
    if not reason or not refusals:
        return reason
    (refusal, count), total = refusals.most_common(1)[0], refusals.total()
    return f"{reason}: {refusal}" if count == total else f"{reason}; in {count:,} of {total:,} cases: {refusal}"


# --- the facts -------------------------------------------------------------------------------------------------------


def coverage(required: Iterable[SpecRecord]) -> float | None:
    """Return the percentage of valid cases that were answered; None if there were none."""
    valid = answered = 0
    for record in required:
        valid += record.valid
        answered += record.answered
    return 100 * answered / valid if valid else None


def reproducibility(records: Iterable[SpecRecord]) -> dict[str, Agreement]:
    """Return the result along each axis of reproducibility that the records measure."""
    counts: dict[str, list[int]] = {}
    for record in records:
        if record.axis:
            comparisons, differences = counts.get(record.axis, (0, 0))
            counts[record.axis] = [comparisons + record.comparisons, differences + record.differences]
    return {
        axis: "differs" if differences else "same" if comparisons else "unmeasured"
        for axis, (comparisons, differences) in counts.items()
    }


def _is_strict(required: Sequence[SpecRecord]) -> bool | None:
    """Return False if an invalid call was answered, and None if none was made."""
    if _answered_invalid(required):
        return False
    return True if any(record.invalid for record in required) else None


def _answered_invalid(required: Iterable[SpecRecord]) -> int:
    return _outcomes(required)["answered_invalid"]


def _limits(required: Iterable[SpecRecord], implementation: ImplementationRecord | None) -> list[str]:
    """Return what is not answered, with the number of cases; without cases, the limits that were found out."""
    reasons = _refusals(required)
    if implementation is None:
        return [with_cases(reason, count) for reason, count in reasons.most_common()]
    if not reasons:
        return implementation.limits
    joined = _joined(reasons, implementation.supports)
    errors = [limit for limit in implementation.limits if is_of_errors(limit)]  # no refusals, so not among the reasons
    return [*(with_cases(reason, count) for reason, count in joined.most_common()), *errors]


def _joined(reasons: Counter[str], supports: str) -> Counter[str]:
    """Return the reasons with one for all cases outside the declared domain, whichever conditions they do not meet."""
    joined: Counter[str] = Counter()
    for reason, count in reasons.items():
        joined[f"{OUTSIDE}: {supports}" if supports and reason.startswith(OUTSIDE) else reason] += count
    return joined


def _refusals(records: Iterable[SpecRecord]) -> Counter[str]:
    """Return the number of refused and declined cases, by reason."""
    refusals: Counter[str] = Counter()
    for record in records:
        refusals.update(record.refusals)
    return merged(refusals)


def _outcomes(records: Iterable[SpecRecord]) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for record in records:
        outcomes.update(record.outcomes)
    return outcomes


# --- the exit status -------------------------------------------------------------------------------------------------


def fails(record: SpecRecord, require: Requirement) -> bool:
    """Return True if a spec is not met as required; a recommended spec and an expected failure never fail."""
    if record.level != "required" or record.status == "xfailed":
        return False
    if record.status in FAULTS:
        return True
    if require != "correct" and any(record.outcomes.get(status) for status in UNANSWERED):
        return True
    return require == "conformant" and record.outcomes.get("answered_invalid", 0) > 0


def exit_status(
    records: Sequence[SpecRecord],
    *,
    names: Sequence[str] = (),
    require: Requirement = "correct",
    has_internal_error: bool = False,
    has_unloadable: bool = False,
) -> ExitStatus:
    """Return the exit status of a complete run; a recommended spec and an expected failure do not count.

    Parameters
    ----------
    records
        All records of the run.
    names
        Implementations each of which must be judged. A shard names none, since it may hold a part of their specs.
    require
        What their verdicts must reach.
    has_internal_error
        True if a spec failed otherwise than by a verdict.
    has_unloadable
        True if an implementation could not be loaded.
    """
    if has_internal_error:
        return ExitStatus.INTERNAL_ERROR
    failing = [record for record in records if fails(record, require)]
    if has_unloadable or any(is_wrong(record) for record in failing):
        return ExitStatus.NOT_REACHED
    unjudged = [name for name in names if _unjudged_reason([each for each in records if each.implementation == name])]
    if len(unjudged) == len(names) if names else not any(record.cases for record in records):
        return ExitStatus.NOTHING_EXECUTED  # nothing is shown to be right, or to pass unexpectedly
    return ExitStatus.NOT_REACHED if failing or unjudged else ExitStatus.REACHED
