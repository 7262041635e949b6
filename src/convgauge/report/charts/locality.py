"""Outputs that one NaN of the input reaches: a plane with each output as due or not."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from markupsafe import Markup

from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.results import ImageRecord

OUTPUT_KINDS = ("finite, as due", "NaN, as due", "NaN, and should be finite", "finite, and should be NaN")


def counts(image: ImageRecord) -> list[tuple[int, str, int]]:
    """Return number, meaning and count of each kind of output that occurs."""
    outputs = Counter(kind for row in image.table for kind in row)
    return [(kind, meaning, outputs[kind]) for kind, meaning in enumerate(OUTPUT_KINDS) if outputs[kind]]


def draw(image: ImageRecord) -> Markup:
    """Return the plane, with a square per output: dashes of one unit along each row; "" if it is empty."""
    runs: dict[int, list[str]] = {}
    for y, row in enumerate(image.table):
        x = 0
        for kind, cells in groupby(row):
            length = len(list(cells))
            runs.setdefault(kind, []).append(f"M{x} {y}.5h{length}")
            x += length
    width = max((len(row) for row in image.table), default=0)
    if not width:
        return Markup("")
    parts = [svg.path(f"reach r{kind}", "".join(steps)) for kind, steps in sorted(runs.items())]
    label = ", ".join(f"{count} {meaning}" for _, meaning, count in counts(image))
    return svg.figure(f"{formatting.line(image.title)}: {label}", len(image.table), parts, width=width, kind="plane")
