"""Tests of the tally: counts of cases, and the status and reason of a spec."""

from __future__ import annotations

import pytest

from convgauge.conformance.cases import Case
from convgauge.conformance.limits import Limit
from convgauge.conformance.tally import MAX_ENDED_PROCESSES, Population, Tally
from convgauge.problem import Problem
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault, FaultStatus
from convgauge.worker.call import Observation

CASE = Case(Problem(height=4, width=4, kernel=(2, 2), stride=(2, 2)))
ANSWER = Observation("answer")
REFUSED = Observation("refused", error=("NotImplementedError",), message="stride is 1 only")


def tally_of(*faults: Fault | None) -> Tally:
    tally = Tally()
    for fault in faults:
        tally.count(CASE, ANSWER, Assessment(fault))
    return tally


def test_a_passing_case_adds_what_was_measured() -> None:
    tally = Tally()
    tally.count(CASE, ANSWER, Assessment(grade="A", margin=0.5, reduction=4))
    tally.count(CASE, ANSWER, Assessment(grade="B"))
    assert (tally.grades, tally.margins, tally.reductions) == (["A", "B"], [0.5], [4])
    assert (tally.outcomes, tally.judged, tally.status()) == ({"passed": 2}, 2, "passed")


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["failed", None], "failed"),
        (["failed", "errored"], "errored"),
        (["vacuous", None], "vacuous"),
        (["errored", "timed_out", "crashed"], "crashed"),
    ],
)
def test_the_status_is_the_gravest_of_the_cases(statuses: list[FaultStatus | None], status: str) -> None:
    tally = tally_of(*(None if name is None else Fault(name, "a sentence") for name in statuses))
    assert tally.status() == status


def test_refused_cases_count_only_if_none_was_judged() -> None:
    tally = Tally()
    tally.count(CASE, REFUSED, Assessment())
    assert (tally.status(), tally.judged, tally.reason()) == (
        "refused",
        0,
        "refused: NotImplementedError: stride is 1 only",
    )
    tally.count(CASE, ANSWER, Assessment())
    assert tally.status() == "passed"


def test_an_unimplemented_call_that_may_be_refused_is_skipped() -> None:
    tally = Tally()
    tally.count(CASE, REFUSED, Assessment(), "invalid")
    assert (tally.status(), tally.space) == ("skipped", {})


def test_the_space_counts_judged_failed_and_refused_cases() -> None:
    tally = tally_of(None, Fault("failed", "a sentence"))
    tally.count(CASE, REFUSED, Assessment())
    tally.count(Case(CASE.problem, invalid_call="bias_of_one"), ANSWER, Assessment())
    assert list(tally.space.values()) == [[2, 1, 1]]


def test_a_call_that_was_not_made_is_no_case() -> None:
    tally = tally_of(None, Fault("crashed", "the process was given up", not_called=True))
    assert (tally.outcomes, tally.faults, tally.status()) == ({"passed": 1}, [], "crashed")
    assert tally.reason() == "the process was given up"
    assert tally.is_over(12)


def test_it_is_over_at_the_limit_of_faults_counted_or_not() -> None:
    fault = Fault("failed", "a sentence")
    tally = tally_of(fault, fault)
    assert not tally.is_over(3)
    assert tally.is_over(2)
    assert tally.is_over(3, [fault])
    assert not tally.is_abandoned([fault])
    assert tally.is_abandoned([Fault("crashed", "it ended")] * MAX_ENDED_PROCESSES)


def test_valid_cases_count_as_answered_if_they_gave_an_output() -> None:
    tally = tally_of(None, Fault("failed", "a sentence"))
    tally.count(CASE, REFUSED, Assessment())
    tally.count(CASE, Observation("raised", error=("KeyError",)), Assessment(Fault("errored", "raised KeyError")))
    tally.count(CASE, Observation("unsupported", message="no such layout"), Assessment())
    assert (tally.valid, tally.answered) == (4, 2)
    assert tally.refusals() == {"NotImplementedError: stride is 1 only": 1}


@pytest.mark.parametrize("population", ["redrawn", "invalid", "optional", "concluded"])
def test_other_populations_do_not_count_as_valid(population: Population) -> None:
    tally = Tally()
    tally.count(CASE, ANSWER, Assessment(), population)
    assert (tally.valid, tally.answered) == (0, 0)
    assert (tally.redrawn, tally.invalid) == (population == "redrawn", population == "invalid")


def test_an_exception_passes_on_an_invalid_call_unless_it_is_not_implemented() -> None:
    refusals = {"ValueError": "passed", "NotImplementedError": "skipped"}
    for error, status in refusals.items():
        tally = Tally()
        tally.count(CASE, Observation("refused", error=(error, "Exception")), Assessment(), "invalid")
        assert (tally.status(), tally.invalid) == (status, status == "passed")


def test_a_case_outside_the_declared_domain_is_declined_without_a_call() -> None:
    tally = Tally()
    tally.decline(CASE, "groups == 1 is declared")
    assert (tally.status(), tally.judged, tally.valid, tally.answered) == ("declined", 0, 1, 0)
    assert list(tally.space.values()) == [[0, 0, 1]]
    assert tally.refusals() == {"groups == 1 is declared": 1}


def test_a_missing_dtype_declines_every_valid_case() -> None:
    tally = Tally()
    tally.decline_all(7, "no float16")
    assert (tally.status(), tally.outcomes["declined"], tally.valid, tally.space) == ("declined", 7, 7, {})


def test_an_exception_without_text_is_named_by_its_class() -> None:
    tally = Tally()
    tally.count(CASE, Observation("refused", error=("NotImplementedError",), message=" (k.py:3)"), Assessment())
    assert tally.refusals() == {"NotImplementedError": 1}
    assert tally.reason() == "refused: NotImplementedError (k.py:3)"


def test_refused_cases_are_counted_by_the_limits_that_explain_them() -> None:
    tally = Tally()
    for stride, text in (((1, 1), "batch"), ((2, 2), "stride is 2"), ((3, 3), "stride is 3")):
        case = Case(Problem(height=9, width=9, kernel=(2, 2), stride=stride))
        tally.count(case, Observation("refused", error=("ValueError",), message=text), Assessment())
    tally.decline_all(2, "no float16")
    limit = Limit("stride_h == 1", "stride > 1", "ValueError: stride is 2", is_refusal=True)
    assert tally.refusals([limit]) == {"stride > 1 (ValueError)": 2, "ValueError: batch": 1, "no float16": 2}
