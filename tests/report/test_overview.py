"""The first page."""

from __future__ import annotations

from pathlib import Path

from convgauge import report
from convgauge.results import Record
from support.html_page import Page
from support.records import cause, run, spec, write_run


def test_the_overview_has_machine_versions_seed_command_and_completeness(site: Path) -> None:
    text = Page(site / "index.html").text
    for fact in ("Example Processor 9000", "torch 2.13.0", "seed 20240601", "convgauge check --tier standard"):
        assert fact in text
    assert "Environments side by side" in text
    assert "whole.jsonl whole" in text
    assert "cut.jsonl incomplete" in text
    assert "Incomplete run." in text
    assert "pip install 'convgauge[jax]'" in text
    assert "23 of 23 layers" in text


def test_the_overview_has_the_first_cause_of_each_verdict(tmp_path: Path) -> None:
    records: list[Record] = [
        spec(status="failed"),
        cause(),
        cause(mechanism="bias_dropped", sentence="bias: not added"),
    ]
    path = write_run(tmp_path / "run.jsonl", *records, footer=run(*records).footer)
    page = Page(report.build([path], tmp_path / "site"))
    assert "wrong padding: rows and columns are swapped, and 1 more cause" in page.text
    assert "implementations/a.html#cause-1" in page.addresses
