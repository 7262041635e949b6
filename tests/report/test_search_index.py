"""Tables that the script of the pages searches."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path

from convgauge import results
from convgauge.report import formatting
from convgauge.results import (
    SpecRecord,
)


def test_one_entry_s_data_is_what_the_script_searches(site: Path) -> None:
    data = json.loads((site / "data" / "results.js").read_text("utf-8").removeprefix("const DATA = ").rstrip(";\n"))
    searched = set()
    for id, chapter, level, _, tables, *_ in data["specs"]:
        for table, row in tables.items():
            dtype, _, device = data["tables"][int(table)].rpartition("@")
            for entry, letter in zip(
                data["entries"], row * (len(data["entries"]) if len(row) == 1 else 1), strict=True
            ):
                if letter != "." and entry["environment"] == "py311":
                    about = (data["chapter"][chapter], data["level"][level], dtype, device, data["letters"][letter])
                    searched.add((entry["name"], entry["environment"], id, *about))
    with gzip.open(site / "data" / "results.csv.gz", "rt", newline="", encoding="utf-8") as file:
        columns = ("implementation", "environment", "spec", "chapter", "level", "dtype", "device", "status")
        assert searched == {
            tuple(row[name] for name in columns) for row in csv.DictReader(file) if row["environment"] == "py311"
        }


def test_every_spec_of_an_implementation_is_on_its_page_s_list(site: Path) -> None:
    page = (site / "implementations" / "direct_00--py311.html").read_text("utf-8")
    island = re.search(r'id="results"[^>]*data-entry="(\d+)"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert island
    data = json.loads((site / "data" / "results.js").read_text("utf-8").removeprefix("const DATA = ").rstrip(";\n"))
    assert data["entries"][int(island.group(1))]["name"] == "direct_00"
    records = [
        r for r in results.read(site.parent / "whole.jsonl").records_of(SpecRecord) if r.implementation == "direct_00"
    ]
    rows = json.loads(island.group(2))
    assert len(rows) == len(data["specs"])
    for (id, *_, page, source, sentence), row in zip(data["specs"], rows, strict=True):
        mine = [record for record in records if record.spec == id]
        assert row[0] == sum(record.cases for record in mine)
        assert row[1] == formatting.number(max(record.margin for record in mine if record.margin is not None))
        assert len(row[2]) <= 24, "a letter a bar"
        assert (site / page.partition("#")[0]).is_file()
        assert (data["sources"][source], sentence) == (mine[0].source, mine[0].sentence)
