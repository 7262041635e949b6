"""Pages of the specs, by chapter."""

from __future__ import annotations

from pathlib import Path

from convgauge import report
from support.html_page import Page
from support.records import spec, write_run


def test_a_spec_s_section_lists_who_failed_and_who_passed(tmp_path: Path) -> None:
    failed = [spec(name, status="failed", reason="one off", sentence="It pads.") for name in ("a", "b")]
    path = write_run(tmp_path / "run.jsonl", *failed, spec("c", sentence="It pads."))
    site = report.build([path], tmp_path / "site").parent
    page = Page(site / "specs" / "padding.html")
    assert "spec-padding.same" in page.ids
    assert "It pads. required" in page.text
    assert page.text.count("one off") == 1, "equal reasons are printed once"
    assert "✗ failed a , b" in page.text
    assert "✓ passed c" in page.text
    assert "../implementations/a.html#fault-padding.same" in page.addresses
