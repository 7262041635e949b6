"""Verdicts and exit statuses follow from the records."""

from __future__ import annotations

from typing import Any

import pytest

from convgauge.conformance.verdict import exit_status, judgement
from convgauge.results import SpecRecord


def record(status: Any, cases: int = 1, level: Any = "required", **fields: Any) -> SpecRecord:
    return SpecRecord("kernel", "some.thing", level, status, cases, outcomes={status: max(cases, 1)}, **fields)


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        ([], "unjudged"),
        ([record("declined", 0)], "unjudged"),
        ([record("passed")], "conformant"),
        ([record("passed"), record("declined", 0)], "partial"),
        ([record("passed"), record("crashed")], "wrong"),
        ([record("passed"), record("xfailed")], "wrong"),
        ([record("passed"), record("failed", level="recommended")], "conformant"),
    ],
)
def test_verdicts(records: list[SpecRecord], verdict: str) -> None:
    assert judgement("kernel", records).verdict == verdict


def test_a_judgement_counts_the_records_of_its_implementation() -> None:
    records = [record("passed", 5, grade="A"), record("passed", 3, grade="B"), record("declined", 0)]
    result = judgement("kernel", [*records, SpecRecord("other", "some.thing", "required", "failed", 9)])
    assert (result.grade, result.executed, result.declined) == ("B", 8, 1)
    assert result.specs == {"passed": 2, "declined": 1}


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


def test_errors_take_precedence() -> None:
    assert exit_status([record("failed")], has_internal_error=True, has_unloadable=True) == 3
    assert exit_status([record("passed")], has_unloadable=True) == 1
    assert exit_status([], has_unloadable=True) == 1
