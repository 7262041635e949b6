"""Verdicts and exit statuses follow from the records."""

from __future__ import annotations

from typing import Any

import pytest

from convgauge.conformance.sufficiency import NOTHING_EXECUTED
from convgauge.conformance.verdict import exit_status, fails, judgement
from convgauge.domain import OUTSIDE
from convgauge.results import ImplementationRecord, SpecRecord
from convgauge.terms import REQUIREMENTS, Requirement


def record(status: Any, cases: int = 1, level: Any = "required", **fields: Any) -> SpecRecord:
    return SpecRecord("kernel", "some.thing", level, status, cases, outcomes={status: max(cases, 1)}, **fields)


LENIENT = {"answered_invalid": 2, "passed": 1}


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        ([], "unjudged"),
        ([record("refused", 0)], "unjudged"),
        ([record("passed")], "conformant"),
        ([record("passed"), record("refused", 0)], "partial"),
        ([record("passed"), record("declined", 0)], "partial"),
        ([record("passed", valid=9, answered=8)], "partial"),
        ([record("passed"), record("refused", 0, level="recommended")], "conformant"),
        ([record("passed"), record("answered_invalid")], "complete"),
        ([record("passed"), record("answered_invalid", level="recommended")], "conformant"),
        ([record("refused", 0), record("answered_invalid")], "partial"),
        ([record("passed"), record("crashed")], "wrong"),
        ([record("crashed", 0)], "wrong"),  # given up before its first case
        ([record("passed"), record("refused", 0), record("answered_invalid"), record("failed")], "wrong"),
        ([record("passed"), record("failed", level="recommended")], "conformant"),
        ([record("passed"), record("xpassed", 0)], "conformant"),  # the list is wrong, not the implementation
    ],
)
def test_verdicts(records: list[SpecRecord], verdict: str) -> None:
    assert judgement("kernel", records).verdict == verdict


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ({"failed": 1, "passed": 3}, "wrong"),
        ({"failed": 1, "answered_invalid": 1}, "wrong"),
        ({}, "wrong"),
        (LENIENT, "complete"),
    ],
)
def test_an_expected_failure_is_wrong_or_not_strict_by_its_outcomes(outcomes: dict[str, int], verdict: str) -> None:
    expected = SpecRecord("kernel", "some.thing", "required", "xfailed", 4, outcomes=outcomes)
    assert judgement("kernel", [record("passed"), expected]).verdict == verdict
    assert exit_status([record("passed"), expected], names=["kernel"], require="conformant") == 0


def test_coverage_is_that_of_the_valid_cases_of_required_specs() -> None:
    records = [
        record("passed", valid=30, answered=29, redrawn=5),
        record("refused", 0, valid=10),
        record("refused", 0, valid=100, level="recommended"),
    ]
    assert judgement("kernel", records).coverage == 72.5
    assert judgement("kernel", [record("passed")]).coverage is None


@pytest.mark.parametrize(
    ("records", "is_strict"),
    [
        ([record("passed")], None),
        ([record("passed", invalid=3)], True),
        ([record("passed", invalid=3), record("answered_invalid", invalid=3)], False),
        ([record("passed", invalid=3), record("answered_invalid", invalid=3, level="recommended")], True),
    ],
)
def test_strictness_is_that_of_the_invalid_calls_of_required_specs(
    records: list[SpecRecord], is_strict: bool | None
) -> None:
    assert judgement("kernel", records).is_strict is is_strict


def test_limits_are_the_reasons_with_their_cases() -> None:
    records = [
        record("refused", 0, refusals={"no groups": 1200, "stride > 1 (ValueError)": 2}),
        record("passed", refusals={"no groups": 3, "float16": 1}),
        record("refused", 0, level="recommended", refusals={"no names": 9}),
    ]
    limits = ["no groups (1,203 cases)", "stride > 1 (ValueError, 2 cases)", "float16 (1 case)"]
    assert judgement("kernel", records).limits == limits
    found_out = ImplementationRecord("kernel", limits=["groups > 1"])
    assert judgement("kernel", records, found_out).limits == limits
    assert judgement("kernel", [record("passed")], found_out).limits == ["groups > 1"]
    raising = ImplementationRecord("kernel", limits=["groups > 1 (ValueError)", "batch 0 (raises IndexError)"])
    assert judgement("kernel", records, raising).limits == [*limits, "batch 0 (raises IndexError)"]


def test_all_cases_outside_the_declared_domain_are_one_limit() -> None:
    refusals = {f"{OUTSIDE}: groups == 1": 2, f"{OUTSIDE}: batch == 1": 3, "stride > 1 (ValueError)": 1}
    described = ImplementationRecord("kernel", supports="groups == 1 and batch == 1")
    assert judgement("kernel", [record("refused", 0, refusals=refusals)], described).limits == [
        f"{OUTSIDE}: groups == 1 and batch == 1 (5 cases)",
        "stride > 1 (ValueError, 1 case)",
    ]


def test_a_judgement_counts_the_records_of_its_implementation() -> None:
    records = [
        record("passed", 5, grade="A"), record("passed", 3, grade="B"), record("declined", 0), record("refused", 0),
        record("answered_invalid", 4),
    ]  # fmt: skip
    result = judgement("kernel", [*records, SpecRecord("other", "some.thing", "required", "failed", 9)])
    assert (result.grade, result.executed, result.declined, result.refused) == ("B", 12, 1, 1)
    assert (result.answered_invalid, result.reason) == (4, "")
    assert result.specs == {"passed": 2, "declined": 1, "refused": 1, "answered_invalid": 1}


def test_an_unjudged_implementation_has_a_reason() -> None:
    assert judgement("kernel", [record("refused", 0)]).reason == NOTHING_EXECUTED


def test_an_implementation_that_answers_nothing_is_unjudged_with_its_most_frequent_refusal() -> None:
    absent = "RuntimeError: its device is absent: Found no NVIDIA driver"
    refused = record("refused", 0, valid=3, refusals={absent: 3})
    strict = record("passed", 4, invalid=4)
    result = judgement("kernel", [strict, refused])
    assert (result.verdict, result.reason) == ("unjudged", f"none of 3 valid cases was answered: {absent}")
    other = record("refused", 0, valid=2, refusals={"ValueError: too small": 2})
    assert judgement("kernel", [strict, refused, other]).reason == (
        f"none of 5 valid cases was answered; in 3 of 5 cases: {absent}"
    )


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ([], 5),
        ([record("skipped", 0)], 5),
        ([record("passed")], 0),
        ([record("passed"), record("failed")], 1),
        ([record("crashed", 0)], 1),  # given up before its first case
        ([record("passed"), record("failed", level="recommended")], 0),
        ([record("passed"), record("xfailed")], 0),
        ([record("passed"), record("xpassed", 0)], 1),
        ([record("xpassed", 0)], 5),
    ],
)
def test_exit_statuses(records: list[SpecRecord], status: int) -> None:
    assert exit_status(records) == status


@pytest.mark.parametrize(
    ("status", "reached"),
    [
        ("passed", ["correct", "complete", "conformant"]),
        ("answered_invalid", ["correct", "complete"]),
        ("refused", ["correct"]),
        ("declined", ["correct"]),
        ("failed", []),
    ],
)
def test_the_requirement_sets_the_exit_status(status: Any, reached: list[str]) -> None:
    records = [record("passed"), record(status)]
    requirements: tuple[Requirement, ...] = REQUIREMENTS
    assert [each for each in requirements if exit_status(records, names=["kernel"], require=each) == 0] == reached
    assert [each for each in requirements if not any(fails(spec, each) for spec in records)] == reached


def test_a_refused_case_of_a_spec_that_passed_fails_a_complete_verdict() -> None:
    partly = SpecRecord("kernel", "some.thing", "required", "passed", 3, outcomes={"passed": 3, "refused": 1})
    assert exit_status([partly], names=["kernel"], require="complete") == 1
    assert exit_status([partly], names=["kernel"]) == 0


def test_every_implementation_must_be_judged() -> None:
    records = [record("passed"), SpecRecord("other", "some.thing", "required", "refused", 0, outcomes={"refused": 1})]
    assert exit_status(records, names=["kernel", "other"]) == 1
    assert exit_status(records, names=["kernel", "absent from the records"]) == 1
    assert exit_status(records[1:], names=["other"]) == 5
    assert exit_status(records) == 0  # a shard


def test_errors_take_precedence() -> None:
    assert exit_status([record("failed")], has_internal_error=True, has_unloadable=True) == 3
    assert exit_status([record("passed")], has_unloadable=True) == 1
    assert exit_status([], has_unloadable=True) == 1
