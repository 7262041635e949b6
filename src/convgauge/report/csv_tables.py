"""Verdicts, results and timings as CSV tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from convgauge.report import formatting, speed
from convgauge.report.model import Report


def verdicts(report: Report) -> str:
    """Return one row per implementation and environment."""
    head = (
        "environment", "implementation", "framework", "algorithm", "verdict", "coverage", "strict", "grade", "executed",
        "refused", "declined", "limits",
    )  # fmt: skip
    rows = (
        (
            e.environment, e.name, e.about.framework, e.about.algorithm, e.verdict, e.coverage,
            formatting.strictness(e.is_strict), e.grade, e.executed, e.refused, e.declined, "; ".join(e.limits),
        )
        for e in report.entries
    )  # fmt: skip
    return _csv(head, rows)


def results(report: Report) -> str:
    """Return one row per result."""
    columns = (
        "chapter",
        "spec",
        "level",
        "dtype",
        "device",
        "status",
        "cases",
        "valid",
        "answered",
        "redrawn",
        "margin",
    )
    texts = ("reason", "note")
    rows = (
        (entry.environment, entry.name, *(getattr(record, column) for column in (*columns, *texts)))
        for entry in report.entries
        for record in entry.specs
    )
    return _csv(("environment", "implementation", *columns, *texts), rows)


def timings(report: Report) -> str:
    """Return one row per implementation and layer."""
    columns = ("prepare_seconds", "peak_bytes", "flops", "reason")
    head = (
        "environment", "layers", "threads", "operands", "layer", "problem", "count", "implementation", "verdict",
        "ratio", "low", "high", "median_seconds", "noise", "baseline", *columns,
    )  # fmt: skip
    rows = (
        (
            race.environment, race.layers_name, race.threads, race.operands, layer.label, layer.problem, layer.count,
            t.implementation, t.verdict, t.ratio, t.low, t.high, speed.median(t) if t.seconds else None, t.noise,
            t.baseline, *(getattr(t, column) for column in columns),
        )
        for race in speed.race_tables(report)
        for layer in race.layers
        for t in layer.cells.values()
    )  # fmt: skip
    return _csv(head, rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue()


def _cell(value: object) -> object:
    """Return a value as a cell; text that a spreadsheet would run as a formula begins with an apostrophe."""
    if not isinstance(value, str):
        return value
    value = formatting.line(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
