"""The first page."""

from __future__ import annotations

from pathlib import Path

from support.html_page import Page


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
