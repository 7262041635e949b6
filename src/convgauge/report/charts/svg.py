"""Parts of figures: inline SVG that needs no script, follows the page's colours and prints."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import Markup, escape

from convgauge.report import formatting

SERIES = 8
"""Colours there are; the ninth series takes the first colour again with another dash."""
WIDTH = 760
"""Width of a chart in its own units."""


def figure(
    label: str, height: float, parts: Iterable[str], width: float = WIDTH, kind: str = "chart", fixed: bool = False
) -> Markup:
    """A figure that a screen reader announces as ``label``; a ``fixed`` one has its units as pixels."""
    size = f' width="{width:.0f}" height="{height:.0f}"' if fixed else ""
    box = f'viewBox="0 0 {width:.0f} {height:.0f}"{size}'
    head = f'<svg class="{kind}" {box} role="img" aria-label="{escape(label)}">'
    return Markup("".join([head, *parts, "</svg>"]))


def text(x: float, y: float, content: str, anchor: str = "middle") -> str:
    """A word whose ``anchor`` (start, middle, end) lies at x: the style sheet places it, by a class of that name."""
    kind = "" if anchor == "middle" else f' class="{anchor}"'
    return f'<text{kind} x="{_short(x)}" y="{_short(y)}">{escape(content)}</text>'


def _short(value: float) -> str:
    """A coordinate to a tenth of a unit, in as few characters as there are."""
    return f"{round(value, 1):g}"


def path(kind: str, steps: str, title: str = "") -> str:
    if not title:
        return f'<path class="{kind}" d="{steps}"/>'
    return f'<path class="{kind}" d="{steps}"><title>{escape(title)}</title></path>'


def dot(kind: str, x: float, y: float, title: str) -> str:
    return f'<circle class="{kind}" cx="{_short(x)}" cy="{_short(y)}" r="3.5"><title>{escape(title)}</title></circle>'


def vertical(x: float, bottom: float, content: str) -> str:
    """A line of the grid with its number under it."""
    return path("gridline", f"M{_short(x)} 0V{bottom}") + text(x, bottom + 16, content)


def horizontal(y: float, left: float, content: str) -> str:
    return path("gridline", f"M{left} {_short(y)}H{WIDTH - 20}") + text(left - 6, y + 4, content, "end")


def short(name: str, most: int = 22) -> str:
    name = formatting.line(name)
    return name if len(name) <= most else name[: most - 1] + "…"


def series(place: int) -> str:
    """The classes of the line of the series at ``place``: its colour, and its dash once the colours are used up."""
    return f"c{place % SERIES} d{place // SERIES % 4}"


class Axis:
    """A logarithmic scale from ``start`` to ``end``, in whole steps of 1, 2, 5; what lies outside is put at its end."""

    def __init__(self, values: Iterable[float], start: float, end: float) -> None:
        kept = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
        self.low, self.high = _step_down(min(kept)), _step_up(max(kept))
        if self.low == self.high:
            self.high = _step_up(self.high * 1.01)
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        share = math.log(inside / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """1, 2, 5 steps, or decades alone, or every few of these, so that there are at most nine."""
        steps = [m * 10.0**e for e in range(-15, 19) for m in (1, 2, 5)]
        inside = [s for s in steps if self.low * 0.999 <= s <= self.high * 1.001]
        if len(inside) > 9:
            inside = [s for s in inside if abs(math.log10(s) - round(math.log10(s))) < 1e-6]
        return inside[:: 1 + len(inside) // 10]


def _step_down(value: float) -> float:
    scale = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return max(m * scale for m in (1, 2, 5) if m * scale <= value * 1.0001)


def _step_up(value: float) -> float:
    scale = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return min(m * scale for m in (1, 2, 5, 10) if m * scale >= value * 0.9999)
