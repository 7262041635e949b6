"""Where one NaN went: a plane of outputs, each as it should be or not."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from markupsafe import Markup

from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.results import ImageRecord

KINDS = ("finite, as due", "NaN, as due", "NaN, and should be finite", "finite, and should be NaN")


def counts(image: ImageRecord) -> list[tuple[int, str, int]]:
    """Outputs of each kind that there are: its number, its meaning, how many."""
    met = Counter(kind for row in image.table for kind in row)
    return [(kind, meaning, met[kind]) for kind, meaning in enumerate(KINDS) if met[kind]]


def draw(image: ImageRecord) -> Markup:
    """The plane, a square an output: dashes of one unit along each row; "" where there is none."""
    runs: dict[int, list[str]] = {}
    for y, row in enumerate(image.table):
        x = 0
        for kind, cells in groupby(row):
            wide = len(list(cells))
            runs.setdefault(kind, []).append(f"M{x} {y}.5h{wide}")
            x += wide
    width = max((len(row) for row in image.table), default=0)
    if not width:
        return Markup("")
    parts = [svg.path(f"reach r{kind}", "".join(steps)) for kind, steps in sorted(runs.items())]
    spoken = ", ".join(f"{count} {meaning}" for _, meaning, count in counts(image))
    return svg.figure(f"{formatting.line(image.title)}: {spoken}", len(image.table), parts, width=width, kind="plane")
