"""Badges in the form that shields.io reads from an endpoint."""

from __future__ import annotations

from typing import Any

from convgauge.report.model import INCOMPLETE, ImplementationEntry, gather
from convgauge.results import Run

COLOURS = {
    "conformant": "brightgreen",
    "complete": "green",
    "partial": "yellowgreen",
    INCOMPLETE: "lightgrey",
    "wrong": "red",
    "unjudged": "orange",
}


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
    message = f"{entry.verdict} · {entry.grade}" if entry.grade else entry.verdict
    colour = COLOURS.get(entry.verdict, "lightgrey")
    return {"schemaVersion": 1, "label": "convgauge", "message": message, "color": colour}
