"""Badges in the form that shields.io reads from an endpoint."""

from __future__ import annotations

from typing import Any

from convgauge.report import formatting
from convgauge.report.model import INCOMPLETE, ImplementationEntry, gather
from convgauge.results import Run

COLOURS = {
    "conformant": "brightgreen",
    "complete": "green",
    "partial": "yellowgreen",
    "unjudged": "orange",
    "wrong": "red",
    INCOMPLETE: "lightgrey",
}
"""Colours by the ladder of verdicts."""


def badge(run: Run, implementation: str) -> dict[str, Any]:
    """Return the badge of one implementation.

    Raises
    ------
    KeyError
        If the run does not name the implementation.
    """
    return badge_of({entry.name: entry for entry in gather([run]).entries}[implementation])


def badge_of(entry: ImplementationEntry) -> dict[str, Any]:
    """Return the badge of an entry of a report."""
    covered = "" if entry.coverage is None else formatting.coverage(entry.coverage)
    message = " · ".join(filter(None, (f"{entry.verdict} {covered}".strip(), entry.grade)))
    colour = COLOURS.get(entry.verdict, "lightgrey")
    return {"schemaVersion": 1, "label": "convgauge", "message": message, "color": colour}
