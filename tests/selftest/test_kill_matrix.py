"""Tests of the kill matrix: what it derives from findings, and its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convgauge.selftest import kill_matrix
from convgauge.selftest.kill_matrix import Finding, Matrix

MATRIX = Matrix(
    "quick",
    [
        Finding("a", True, True, killed_by={"x.one": "failed"}, killed_as_named=True),
        Finding("b", True, True, killed_by={"x.one": "failed", "x.two": "crashed"}, killed_as_named=True),
        Finding("c", True, True),
        Finding("d", True, True, due=False),
        Finding("e", False, True, killed_by={"x.two": "failed"}),
        Finding("f", False, True, advised_by={"x.four": "failed"}),
        Finding("g", False, True, unconfirmed=["x.three"]),
        Finding("h", True, True, killed_by={"x.one": "failed", "x.two": "failed"}, unconfirmed=["x.three"]),
    ],
    {"x.one": "One.", "x.two": "Two.", "x.three": "Three.", "x.four": "Four.", "x.five": "Five."},
    no_mutant_because={"x.five": "it needs no time"},
)


def test_findings_are_grouped_by_what_is_wrong_with_them() -> None:
    assert [finding.name for finding in MATRIX.survivors] == ["c"]
    assert [finding.name for finding in MATRIX.not_due] == ["d"]
    assert [finding.name for finding in MATRIX.false_positives] == ["e"]
    assert [finding.name for finding in MATRIX.killed_otherwise] == ["h"]
    assert [finding.name for finding in MATRIX.findings if finding.is_expected] == ["a", "b", "d", "f"]


def test_a_finding_with_a_vacuous_spec_is_unexpected() -> None:
    finding = Finding("a", True, True, killed_by={"x.one": "failed"}, killed_as_named=True, vacuous=["x.two"])
    assert not finding.is_expected


def test_kills_are_counted_by_spec() -> None:
    assert MATRIX.unique_kills == {"x.one": ["a"]}
    assert MATRIX.kills_nothing == ["x.five", "x.three"]
    assert MATRIX.kills == {"x.one": ["a", "b", "h"], "x.two": ["b", "h"], "x.three": [], "x.four": [], "x.five": []}
    assert MATRIX.table()["kills_nothing"] == ["x.five", "x.three"]


def test_a_matrix_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "matrix.json"
    path.write_text(json.dumps(MATRIX.table(), indent=1))
    assert kill_matrix.is_matrix(path)
    assert kill_matrix.read(path) == MATRIX


def test_a_matrix_of_schema_1_is_read(tmp_path: Path) -> None:
    finding = {"name": "a", "faulty": True, "smoke": True, "caught": {"x.one": "failed"}, "expected": True}
    finding |= {"mistrusted": ["x.two"], "advised": {}, "overlooked": []}
    content = {"schema": 1, "tier": "quick", "findings": [finding], "specs": {"x.one": "One."}}
    content |= {"whole": False, "kept": {"x.two": "it is new"}, "ended_early": True}
    path = tmp_path / "matrix.json"
    path.write_text(json.dumps(content))
    expected = Finding("a", True, True, killed_by={"x.one": "failed"}, vacuous=["x.two"], killed_as_named=True)
    assert kill_matrix.read(path) == Matrix("quick", [expected], {"x.one": "One."}, False, {"x.two": "it is new"}, True)


@pytest.mark.parametrize(
    "text",
    [
        '{"tier": 1, "findings": []}',
        '{"tier": "quick", "findings": [',
        '{"schema": 9, "tier": "q", "findings": [], "specs": {}}',
        "[" * 9999,
        "[]",
    ],
)
def test_a_damaged_matrix_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "matrix.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"matrix\.json"):
        kill_matrix.read(path)


def test_a_run_is_not_taken_for_a_matrix(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text('{"type":"header","schema":1,"tier":"quick"}\n')
    assert not kill_matrix.is_matrix(tmp_path / "run.jsonl")
