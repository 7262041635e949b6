"""The reproducibility card, and the table of implementations and axes."""

from __future__ import annotations

from pathlib import Path

from convgauge import report
from convgauge.report import model
from convgauge.report.reproducibility import card, table
from convgauge.results import ImplementationRecord, Record
from support.html_page import Page
from support.records import run, spec, write_run

NOTE = "differs in 3 of 9 comparisons: images 0 to 0 alone"
RECORDS: list[Record] = [
    ImplementationRecord("a", "numpy", reproducible=["run"]),
    spec(id="reproducible.run", level="required", axis="run", comparisons=4, chapter="reproducible"),
    spec(id="reproducible.batch", level="measured", axis="batch", comparisons=9, differences=3, note=NOTE,
         chapter="reproducible"),
    spec(id="reproducible.process", level="measured", axis="process", status="skipped", reason="no process",
         chapter="reproducible"),
    spec("b"),
]  # fmt: skip


def test_a_card_has_each_axis_that_was_measured() -> None:
    entries = {entry.name: entry for entry in model.gather([run(*RECORDS)]).entries}
    results = card(entries["a"])
    assert [(each.axis, each.agreement, each.is_declared) for each in results] == [
        ("run", "same", True),
        ("batch", "differs", False),
        ("process", "unmeasured", False),
    ]
    assert [(each.comparisons, each.differences, each.note) for each in results] == [
        (4, 0, ""),
        (9, 3, NOTE),
        (0, 0, "no process"),
    ]
    assert card(entries["b"]) == []
    assert [entry.name for entry, _ in table(entries.values())] == ["a"]


def test_the_pages_show_the_card_and_the_table(tmp_path: Path) -> None:
    site = report.build([write_run(tmp_path / "run.jsonl", *RECORDS)], tmp_path / "site").parent
    page = Page(site / "implementations" / "a.html").text
    assert "Reproducibility" in page
    assert NOTE in page
    assert "same declared" in page
    assert "Reproducibility" not in Page(site / "implementations" / "b.html").text
    chapter = Page(site / "specs" / "reproducible.html").text
    assert "Implementations and axes" in chapter
    assert "passed" not in chapter.partition("reproducible.batch measured")[2].partition("reproducible.process")[0]
