"""Files that a report offers for download: the raw runs, tables, kill matrices and badges."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from convgauge import results
from convgauge.report import csv_tables, formatting
from convgauge.report.badges import badge_of
from convgauge.report.folder import Folder
from convgauge.report.model import Report
from convgauge.report.summary import markdown
from convgauge.results import ImageRecord, Run, SpecRecord
from convgauge.selftest.kill_matrix import Matrix


def write_downloads(report: Report, folder: Folder, matrices: Sequence[Matrix]) -> list[tuple[str, str, int]]:
    """Write all downloads; return path, description and size in bytes of those that the first page lists."""
    listed = {}
    for number, run in enumerate(report.runs, start=1):
        name = f"runs/{number:02d}-{formatting.slug(Path(run.path).name.partition('.jsonl')[0])}.jsonl.gz"
        folder.write(name, gzip.compress(_sorted_lines(run), 9, mtime=0))
        listed[name] = f"run {number}, its results in the order of specs, without images"
    tables = {
        "verdicts.csv": ("one row per implementation", csv_tables.verdicts(report)),
        "results.csv.gz": ("one row per result", csv_tables.results(report)),
        "timings.csv.gz": ("one row per timing", csv_tables.timings(report)),
        "summary.md": ("Markdown summary", markdown(report.runs)),
    }
    for number, matrix in enumerate(matrices, start=1):
        tables[f"selftest-{number}.json.gz"] = ("the suite's kill matrix", json.dumps(matrix.table()))
    for name, (description, text) in tables.items():
        packed = gzip.compress(text.encode("utf-8", "replace"), 6, mtime=0)
        folder.write(f"data/{name}", packed if name.endswith(".gz") else text)
        listed[f"data/{name}"] = description
    for entry in report.present:
        folder.write(f"badges/{entry.slug}.json", json.dumps(badge_of(entry), ensure_ascii=False))
    return [(path, description, folder.size(path)) for path, description in listed.items()]


def _sorted_lines(run: Run) -> bytes:
    """Return the lines of a run file sorted by spec, which makes them pack well.

    Images that the report has as files are left out. Records of one spec keep their order, because the later of two
    records of one result is the valid one.
    """
    with results.open_run(Path(run.path)) as file:
        header, *lines = file.readlines()
    pairs = zip(lines, run.records, strict=False)  # a footer and a line that was cut off have no record
    pairs_kept = [(line, record) for line, record in pairs if not (isinstance(record, ImageRecord) and record.png)]
    pairs_kept.sort(key=lambda pair: pair[1].spec if isinstance(pair[1], SpecRecord) else "")
    footer = lines[len(run.records) :] if run.footer else []
    return b"".join([header, *(line for line, _ in pairs_kept), *footer])
