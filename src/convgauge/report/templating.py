"""Jinja2 environment of the templates: escaping, filters, and names that every template can use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import jinja2
from markupsafe import Markup

from convgauge.bundled import bundled
from convgauge.registry import AXES
from convgauge.report import faults, formatting, kill_matrix_page, speed
from convgauge.report.charts import life_charts, locality, margins, race_charts, svg, sweep_charts
from convgauge.selftest.diagnoses.terminal import named_text
from convgauge.terms import FAULTS, GRAVITY, Status
from convgauge.text import escape_controls


def templates() -> jinja2.Environment:
    """Return the environment: texts are escaped and freed of control characters, undefined names are errors."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(bundled("reports", "templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: escape_controls(value) if type(value) is str else value,
    )
    for name in ("ratio", "seconds", "big", "number", "percent", "coverage", "strictness", "plural", "label"):
        environment.filters[name] = getattr(formatting, name)
    environment.filters.update(
        symbol=formatting.SYMBOLS.__getitem__,
        one_line=formatting.line,
        faulty=_faulty,
        island=island,
        status_order=_status_order,
    )
    environment.globals.update(
        axes=AXES,
        differing=faults.differing,
        faults=FAULTS,
        kill_matrix_page=kill_matrix_page,
        lines=_lines,
        locality=locality,
        margins=margins,
        meanings=formatting.MEANINGS,
        named_text=named_text,
        verdicts=formatting.VERDICT_MEANINGS,
        life_charts=life_charts,
        race_charts=race_charts,
        speed=speed,
        svg=svg,
        sweep_charts=sweep_charts,
    )
    return environment


def island(value: object) -> Markup:
    """Return JSON for a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _status_order(counts: Mapping[Status, int]) -> list[tuple[Status, int]]:
    return sorted(counts.items(), key=lambda item: GRAVITY.index(item[0]))


def _faulty(counts: Mapping[Status, int]) -> int:
    return sum(counts.get(status, 0) for status in FAULTS)


def _lines(texts: Sequence[str], most: int) -> Iterator[str]:
    """Yield the first ``most`` texts, then the number of the others."""
    yield from texts[:most]
    if len(texts) > most:
        yield f"and {len(texts) - most:,} more"
