"""Failure budget: after how many failures an implementation is given up, and for which reason."""

from __future__ import annotations

import pytest

from convgauge.process.failures import HANG_WEIGHT, FailureBudget, ProcessFailure

CRASH = ProcessFailure("crashed", "ended the process with exit status 1")
HANG = ProcessFailure("timed_out", "gave no answer within 3 s")


def test_failures_in_a_row_exhaust_the_budget() -> None:
    budget = FailureBudget(max_in_a_row=3)
    for _ in range(2):
        budget.record_failure(CRASH)
        assert budget.reason == ""
    budget.record_failure(CRASH)
    assert budget.reason == "3 deaths in a row; the last time it ended the process with exit status 1"


def test_a_reply_ends_a_row_but_not_the_total() -> None:
    budget = FailureBudget(max_in_a_row=2, max_total=3)
    for _ in range(3):
        assert budget.reason == ""
        budget.record_failure(CRASH)
        budget.record_reply()
    assert budget.reason.startswith("3 deaths; the last time")


def test_a_hang_counts_as_several_failures() -> None:
    budget = FailureBudget(max_in_a_row=2 * HANG_WEIGHT)
    budget.record_failure(HANG)
    assert budget.reason == ""
    budget.record_failure(HANG)
    assert budget.reason == "2 deaths in a row; the last time it gave no answer within 3 s"
    assert budget.failures == 2


def test_the_reason_stays_the_first() -> None:
    budget = FailureBudget(max_in_a_row=1)
    budget.record_failure(CRASH)
    reason = budget.reason
    budget.record_failure(HANG)
    assert budget.reason == reason


def test_a_process_that_cannot_be_started_again_exhausts_the_budget() -> None:
    budget = FailureBudget()
    budget.record_failure(CRASH)
    budget.record_failed_restart(OSError("no more processes"))
    assert budget.reason == "1 deaths, as it could not be started again: no more processes"


@pytest.mark.parametrize("kind", ["crashed", "timed_out", "not_called"])
def test_a_failure_has_a_kind_and_a_message(kind: str) -> None:
    failure = ProcessFailure(kind, "why")  # type: ignore[arg-type]  # a parameter is a plain text
    assert (failure.kind, str(failure), failure.printed) == (kind, "why", "")
