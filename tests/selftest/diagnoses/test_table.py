"""Tests of the table of diagnoses: its figures, its file, and its text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convgauge.results import DamagedFileError
from convgauge.selftest.diagnoses import table as tables
from convgauge.selftest.diagnoses.finding import DiagnosisFinding, NamedCause
from convgauge.selftest.diagnoses.run import write
from convgauge.selftest.diagnoses.table import DiagnosisTable
from convgauge.selftest.diagnoses.terminal import figure_lines, outcome, print_table

SWAPPED = NamedCause("padding_axes_swapped", "swapped_axes", "padding: rows and columns are swapped", "always", 3, 9)
DROPPED = NamedCause("bias_dropped", "bias_dropped", "bias: it is not added", "with a bias", 1, 2)
REGION = NamedCause("", "", "some outputs are wrong", "width > 31", 1, 2)


def finding(name: str, *causes: NamedCause, **fields: object) -> DiagnosisFinding:
    given = {"kinds": ["swapped_axes"], "has_failed": True, "failing": 4, "has_candidate": True, "text": ["a", "b"]}
    return DiagnosisFinding(name, True, causes=list(causes), **{**given, **fields})  # type: ignore[arg-type]


def counts(*findings: DiagnosisFinding) -> dict[str, tuple[int, int]]:
    return {figure.label: (figure.count, figure.population) for figure in DiagnosisTable("quick", [*findings]).figures}


RIGHT = finding("right", SWAPPED)
WRONG = finding("wrong", DROPPED)
EQUIVALENT = finding("equivalent", DROPPED, kinds=["swapped_axes", "bias_dropped"])
UNNAMED = finding("unnamed", REGION, has_candidate=False)
SECOND = finding("second", DROPPED, SWAPPED)
PARTIAL = finding("partial", SWAPPED, unexplained=2)
SOUND = DiagnosisFinding("sound", False)


def test_shares_count_what_their_labels_state() -> None:
    shares = counts(RIGHT, WRONG, EQUIVALENT, UNNAMED, SECOND, PARTIAL, SOUND)
    assert shares["one cause for one fault"] == (5, 6)
    assert shares["one cause that explains every failing spec"] == (4, 6)
    assert shares["right mechanism first"] == (3, 6)
    assert shares["right mechanism first, of those with a candidate"] == (3, 5)
    assert shares["a false mechanism named"] == (2, 6)
    assert shares["a cause named for a correct build"] == (0, 1)


def test_a_cause_of_a_correct_build_is_false() -> None:
    assert counts(DiagnosisFinding("sound", False, causes=[REGION]))["a cause named for a correct build"] == (1, 1)


def test_an_examination_that_ends_in_an_error_counts_as_not_diagnosed() -> None:
    shares = counts(finding("hung", error="the examination exceeded 900 s", has_failed=False, has_candidate=False))
    assert shares["right mechanism first"] == (0, 1)
    assert shares["check or diagnosis that ends in an error"] == (1, 1)


def test_a_mutant_that_cannot_be_loaded_or_is_due_later_does_not_count() -> None:
    later = finding("later", due=False, has_failed=False)
    table = DiagnosisTable("quick", [RIGHT, finding("absent", not_run="torch is not installed"), later])
    assert table.mutants == [RIGHT]
    assert [each.name for each in table.unjudged] == ["absent", "later"]


def test_figures_are_compared_with_what_must_be_reached() -> None:
    slow = finding("slow", SWAPPED, seconds=3.0, text=["line"] * 41)
    reached = {figure.label: figure.is_reached for figure in DiagnosisTable("quick", [slow]).figures}
    assert reached["right mechanism first"]
    assert not reached["output, longest"]
    assert not reached["diagnosis by the clock, median"]
    assert not reached["a cause named for a correct build"]  # nothing was measured


def test_the_file_reads_back(tmp_path: Path) -> None:
    table = DiagnosisTable("quick", [RIGHT, WRONG, SOUND])
    write(table, tmp_path / "diagnoses.json")
    assert tables.is_table(tmp_path / "diagnoses.json")
    assert tables.read(tmp_path / "diagnoses.json") == table


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"schema": 99}), json.dumps({"schema": 1, "tier": 3})])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(DamagedFileError, match=r"other\.json"):
        tables.read(tmp_path / "other.json")


def test_the_text_names_what_was_named_instead(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(DiagnosisTable("quick", [RIGHT, WRONG]), 1.0)
    printed = capsys.readouterr().out
    assert "misdiagnosed (1):\n  wrong (swapped_axes): bias_dropped (bias_dropped): bias: it is not added" in printed
    assert "1 of 2 (50.0%)" in printed
    assert "no candidate in the library" in outcome(UNNAMED)
    assert "≥ 90%  not reached" not in "\n".join(figure_lines(DiagnosisTable("quick", [RIGHT]).figures))
