"""Runs and tables for download."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path


def test_runs_and_tables_can_be_downloaded(site: Path) -> None:
    packed = sorted((site / "runs").iterdir())
    assert [path.name for path in packed] == ["01-whole.jsonl.gz", "02-cut.jsonl.gz"]
    lines = gzip.decompress(packed[0].read_bytes()).splitlines()
    assert b'"type":"header"' in lines[0]
    assert b'"type":"footer"' in lines[-1]
    assert not any(b'"type":"image"' in line and b'"png":""' not in line for line in lines), "they are in images/"
    assert any(b'"kind":"locality"' in line for line in lines)
    original = (site.parent / "whole.jsonl").read_bytes().splitlines()
    assert set(lines) <= set(original), "the lines are as they were"
    with gzip.open(site / "data" / "results.csv.gz", "rt", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 6 * 24 * 4
    assert {row["environment"] for row in rows} == {"py311", "py312"}
