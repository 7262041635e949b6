"""Compact tables that the script of the pages searches: every result of every implementation."""

from __future__ import annotations

from typing import Any

from convgauge.report import formatting
from convgauge.report.charts import margins
from convgauge.report.model import Report, SpecEntry
from convgauge.terms import FAULTS, GRAVITY

_LISTED = ("chapter", "level", "profile")
"""Fields of a spec that are written as an index in a list of their distinct values."""


def search_index(report: Report) -> dict[str, Any]:
    """Return the results of all implementations, spec by spec.

    A spec is a list: id; the indices of its chapter, level and profile; statuses; page; the index of its source;
    sentence. Its statuses are strings with a letter per entry, by the index of dtype and device in ``tables``. The
    letter is "." for an entry without a result. A string that repeats one letter is shortened to that letter.
    """
    lists = {field: list(dict.fromkeys(getattr(spec, field) for spec in report.specs)) for field in _LISTED}
    tables = list(dict.fromkeys(f"{r.dtype}@{r.device}" for entry in report.entries for r in entry.specs))
    sources = list(dict.fromkeys(spec.source for spec in report.specs))
    return {
        **lists,
        "sources": sources,
        "symbols": formatting.SYMBOLS,
        "labels": formatting.LABELS,
        "gravity": GRAVITY,
        "tables": tables,
        "letters": {letter: status for status, letter in formatting.STATUS_LETTERS.items()},
        "faults": FAULTS,
        "entries": [
            {
                **{field: getattr(entry, field) for field in ("name", "environment", "grade", "verdict")},
                **{field: getattr(entry.about, field) for field in ("framework", "algorithm")},
            }
            for entry in report.entries
        ],
        "specs": [
            [
                spec.id,
                *(lists[field].index(getattr(spec, field)) for field in _LISTED),
                _letters(spec, tables, len(report.entries)),
                spec.page,
                sources.index(spec.source),
                spec.sentence,
            ]
            for spec in report.specs
        ],
    }


def _letters(spec: SpecEntry, tables: list[str], entries: int) -> dict[int, str]:
    rows: dict[int, list[str]] = {}
    for index, records in spec.records.items():
        for record in records:
            row = rows.setdefault(tables.index(f"{record.dtype}@{record.device}"), ["."] * entries)
            row[index] = formatting.STATUS_LETTERS[record.status]
    return {table: row[0] if len(set(row)) == 1 else "".join(row) for table, row in rows.items()}


def results_of(report: Report, index: int) -> list[list[Any]]:
    """Return the cases, largest margin and bars of margins of one entry, in the order of the specs.

    The list of a spec is shorter if no margin was measured, and empty if the entry has no result.
    """
    rows: list[list[Any]] = []
    for spec in report.specs:
        records = spec.records.get(index, [])
        largest = margins.largest(records)
        row: list[Any] = [sum(record.cases for record in records)] if records else []
        if largest is not None:
            bars = margins.letters([margin for record in records for margin in record.margins])
            row += [formatting.number(largest), bars]
        rows.append(row)
    return rows
