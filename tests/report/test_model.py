"""Bringing runs together."""

from __future__ import annotations

import pytest

from convgauge import results
from convgauge.report import model
from convgauge.results import (
    Record,
)
from convgauge.terms import Status
from support.records import run, spec, timing


def test_runs_of_one_environment_are_one_entry_and_others_stand_beside_it() -> None:
    check, bench = run(spec("a")), run(timing("a", "p", 1.2, "slower"))
    other = run(spec("a"), versions={"python": "4"})
    assert [(e.name, e.environment, len(e.specs), len(e.timings)) for e in model.gather([check, bench]).entries] == [
        ("a", "", 1, 1)
    ]
    environments = {entry.environment for entry in model.gather([check, bench, other]).entries}
    assert environments == {"Python 3", "Python 4"}
    same_python = run(spec("a"), versions={"python": "3", "numpy": "2"})
    environments = {entry.environment for entry in model.gather([check, same_python, other]).entries}
    assert environments == {"environment 1", "environment 2", "Python 4"}


def test_results_of_a_later_run_replace_earlier_ones() -> None:
    old, new = run(spec("a", status="failed"), started="2026-01-01"), run(spec("a"), started="2026-01-02")
    (entry,) = model.gather([new, old]).entries
    assert [record.status for record in entry.specs] == ["passed"]
    assert entry.replaced == 1
    assert (entry.verdict, entry.executed) == ("conformant", 3), "nothing shown is from the earlier run"


def test_a_fault_in_a_cut_off_run_outweighs_an_earlier_verdict() -> None:
    old = run(spec(id="x"), spec(id="y"), started="1")
    verdicts: dict[Status, str] = {"failed": "wrong", "passed": "incomplete"}
    for status, verdict in verdicts.items():
        new = run(spec(id="x", status=status), footer=False, started="2")
        (entry,) = model.gather([old, new]).entries
        assert (entry.verdict, entry.replaced) == (verdict, 1)


@pytest.mark.parametrize(
    ("records", "footer", "verdict"),
    [
        ([spec()], True, "conformant"),
        ([spec()], False, "incomplete"),
        ([spec(status="failed")], False, "wrong"),
        ([spec(status="failed", level="recommended")], False, "incomplete"),
        ([timing("a", "p", 1.0, "same")], True, "not checked"),
        ([results.ImplementationRecord("a", absent="x is not installed")], True, "absent"),
    ],
)
def test_the_verdict_is_the_footer_s_or_what_the_records_prove(
    records: list[Record], footer: bool, verdict: str
) -> None:
    (entry,) = model.gather([run(*records, footer=footer)]).entries
    assert entry.verdict == verdict


def test_an_implementation_that_a_cut_off_check_did_not_reach_is_incomplete() -> None:
    report = model.gather([run(results.ImplementationRecord("z"), spec("a"), footer=False)])
    assert {entry.name: entry.verdict for entry in report.entries} == {"a": "incomplete", "z": "incomplete"}


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (spec(status="refused", cases=0), "unjudged"),
        (spec(outcomes={"passed": 2, "refused": 1}), "partial"),
        (spec(status="answered_invalid", outcomes={"answered_invalid": 1}), "complete"),
        (spec(status="answered_invalid", outcomes={"answered_invalid": 1}, level="recommended"), "conformant"),
    ],
)
def test_the_verdict_is_a_rung_of_the_ladder(record: Record, verdict: str) -> None:
    (entry,) = model.gather([run(record)]).entries
    assert entry.verdict == verdict


def test_the_facts_beside_the_verdict_are_those_of_the_shown_results() -> None:
    old = run(spec(id="x", valid=4, answered=4), spec(id="y", valid=4, answered=4, invalid=2), started="1")
    new = run(spec(id="x", valid=4, answered=1, refusals={"no groups": 3}), started="2")
    (entry,) = model.gather([old, new]).entries
    assert (entry.verdict, entry.coverage, entry.is_strict) == ("partial", 62.5, True)
    assert entry.limits == ["no groups (3 cases)"]
