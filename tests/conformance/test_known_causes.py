"""Causes that are known while specs are judged one by one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from convgauge.conformance import known_causes
from convgauge.conformance.diagnose import Findings
from convgauge.conformance.known_causes import KnownCauses, show_summaries
from convgauge.results import CauseRecord, Judgement, SpecRecord
from support.records import cause, spec


class SuiteOfRecords:
    """Suite whose records a test adds, and whose diagnosis names what the test gives."""

    def __init__(self, causes: list[CauseRecord], remark: str = "") -> None:
        self.targets = {"a": None}
        self.recorder = SimpleNamespace(records=[])
        self.diagnoses = SimpleNamespace(findings={})
        self.causes, self.remark, self.diagnosed = causes, remark, 0

    def diagnose(self, name: str) -> Findings:
        self.diagnosed += 1
        findings = Findings(self.causes, 0, {}, self.remark)
        self.diagnoses.findings[name] = findings
        return findings

    def judgement(self, name: str) -> Judgement:
        return Judgement("wrong", "", 3, 0, remark=self.remark)

    def fail(self, id: str) -> SpecRecord:
        record = spec(id=id, status="failed")
        self.recorder.records.append(record)
        return record


@pytest.fixture(autouse=True)
def no_other_suites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_causes, "_instances", [])


def summary() -> list[str]:
    lines: list[str] = []
    terminal: Any = SimpleNamespace(write_line=lines.append, section=lambda title, **_: lines.append(title))
    show_summaries(terminal)
    return lines


def test_a_failing_spec_is_headed_by_its_cause() -> None:
    suite: Any = SuiteOfRecords([cause(specs=["padding.pair"])])
    known = KnownCauses(suite)
    assert known.text(suite.fail("padding.pair")) == (
        "cause: padding: rows and columns are swapped (1 spec, 9 cases, wherever padding differs by axis, so far)"
    )


def test_a_spec_that_was_not_examined_shows_what_is_known_of_others() -> None:
    suite: Any = SuiteOfRecords([cause(specs=["a.0"])])
    known = KnownCauses(suite)
    texts = [known.text(suite.fail(f"a.{number}")) for number in range(5)]
    assert texts[3].startswith("not examined yet; so far known of other specs: padding: rows and columns are swapped (")


def test_diagnoses_become_rarer_as_failures_grow() -> None:
    suite: Any = SuiteOfRecords([])
    known = KnownCauses(suite)
    assert [known.text(suite.fail(f"a.{number}")) for number in range(100)] == [""] * 100
    assert 8 <= suite.diagnosed <= 12


def test_a_spec_that_passed_or_is_expected_to_fail_is_not_diagnosed() -> None:
    suite: Any = SuiteOfRecords([cause(specs=["padding.same"])])
    known = KnownCauses(suite)
    for status in ("passed", "xfailed"):
        record = spec(status=status)
        suite.recorder.records.append(record)
        assert known.text(record) == ""
    assert suite.diagnosed == 0
    assert summary() == []


def test_a_session_ends_with_all_causes() -> None:
    suite: Any = SuiteOfRecords([cause(specs=["padding.pair"])], "it fails at random")
    KnownCauses(suite)
    suite.fail("padding.pair")
    title, first, second, *_ = summary()
    assert title == "causes of failing specs"
    assert first == "a: wrong. It fails at random. 1 cause explains the failing spec (0 unexplained)."
    assert second.startswith("1. padding: rows and columns are swapped")
