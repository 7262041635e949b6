"""Building the folder of a report, from files that are readable or not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from convgauge import report, results
from convgauge.cli import main
from convgauge.report import csv_tables
from convgauge.results import (
    SCHEMA,
    Footer,
    Judgement,
)
from support import synthetic_runs
from support.html_page import Page
from support.records import spec, write_run


def test_an_earlier_report_is_replaced_and_anything_else_left_alone(tmp_path: Path) -> None:
    path = synthetic_runs.write(tmp_path / "run.jsonl", 2, 3, 20)
    output = tmp_path / "site"
    report.build([path], output)
    (output / "index.html").write_text("old")
    report.build([path], output)
    assert (output / "index.html").read_text() != "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.jsonl", "site"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="holds something other than a report"):
        report.build([path], mine)
    with pytest.raises(FileExistsError, match="not a folder"):
        report.build([path], path)
    assert (mine / "thesis.txt").exists()


def test_a_failed_build_leaves_the_earlier_report_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = synthetic_runs.write(tmp_path / "run.jsonl", 2, 3, 20)
    index = report.build([path], tmp_path / "site")
    before = index.read_bytes()

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv_tables, "timings", full)
    with pytest.raises(OSError, match="No space left"):
        report.build([path], tmp_path / "site")
    assert index.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.jsonl", "site"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b'{"type":"header","schema":99}\n', "schema 99"),
        (b"not json\n", "not a run"),
    ],
)
def test_a_damaged_run_is_named_and_nothing_written(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(results.DamagedFileError, match=message) as raised:
        report.build([path], tmp_path / "site")
    assert "bad.jsonl" in str(raised.value)
    assert not (tmp_path / "site").exists()


def test_an_unreadable_file_is_left_out_and_named_on_the_page_and_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    good = synthetic_runs.write(folder / "a-good.jsonl", 2, 3, 20)
    synthetic_runs.write(folder / "b-cut.jsonl", 2, 3, 20, whole=False)
    whole = good.read_bytes().splitlines(keepends=True)
    (folder / "c-empty.jsonl").write_bytes(b"")
    (folder / "d-future.jsonl").write_bytes(whole[0].replace(b'"schema":%d' % SCHEMA, b'"schema":7') + whole[1])
    (folder / "e-\x1b[31m<img>.jsonl").write_bytes(whole[0] + b"{]\n" + whole[1])
    (folder / "f-packed.jsonl.gz").write_bytes(gzip.compress(good.read_bytes())[:-9])
    (folder / "notes.json").write_text("{}")
    write_run(folder / "g-nothing.jsonl", footer=Footer({}, 0.0, 0))
    assert main(["report", str(folder), "--output", str(tmp_path / "site")]) == 1
    printed = capsys.readouterr().err
    page = Page(tmp_path / "site" / "index.html")
    for shown in (printed, page.text):
        assert "c-empty.jsonl is empty: not a run" in shown
        assert "d-future.jsonl: schema 7, and this version" in shown
        assert r"e-\x1b[31m<img>.jsonl, line 2" in shown
        assert "f-packed.jsonl.gz does not unpack" in shown
        assert "\x1b" not in shown
        assert "notes.json" not in shown
    assert str(tmp_path) in printed
    assert str(tmp_path) not in page.source, "a published page names no folder"
    assert "b-cut.jsonl is incomplete" in printed
    assert "An empty run. g-nothing.jsonl contains no result." in page.text
    assert main(["report", str(good), "--output", str(tmp_path / "site")]) == 0
    assert main(["report", str(tmp_path / "site" / "runs"), "--output", str(tmp_path / "again")]) == 0, "as they come"


def test_a_run_with_nothing_but_a_header_is_shown_as_incomplete(tmp_path: Path) -> None:
    index = report.build([write_run(tmp_path / "start.jsonl")], tmp_path / "site")
    text = Page(index).text
    assert "Incomplete run." in text
    assert "0 of 0 implementations" in text


def test_the_first_page_names_a_shard_as_a_part(tmp_path: Path) -> None:
    footer = Footer({"a": Judgement("conformant", "A", 3, 0)}, 1.0, 3)
    part = write_run(tmp_path / "part.jsonl", spec(), footer=footer, shard="3/8")
    text = Page(report.build([part], tmp_path / "site")).text
    assert "part.jsonl is shard 3/8" in text


def test_a_matrix_alone_is_no_report_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    matrix = synthetic_runs.write_matrix(tmp_path / "m.json", 3, 12)
    with pytest.raises(ValueError, match="at least one"):
        report.build([matrix], tmp_path / "site")
    matrix.write_text(matrix.read_text()[:-1])
    index = report.build([synthetic_runs.write(tmp_path / "run.jsonl", 2, 3, 20), matrix], tmp_path / "site")
    assert "A file left out. m.json is not a kill matrix" in Page(index).text


def test_the_default_report_stays_below_two_megabytes(tmp_path: Path) -> None:
    run = synthetic_runs.write(tmp_path / "run.jsonl", 22, 250, 22 * 5200, quick=True)
    folder = report.build([run], tmp_path / "site").parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 2_000_000
