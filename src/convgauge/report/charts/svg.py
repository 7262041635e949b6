"""Parts of figures: inline SVG that needs no script, follows the colours of the page and prints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from markupsafe import Markup, escape

from convgauge.report import formatting

SERIES = 8
"""Number of colours; the ninth series has the first colour again, with another dash."""

WIDTH = 760
"""Width of a chart in its own units."""


def figure(
    label: str, height: float, parts: Iterable[str], width: float = WIDTH, kind: str = "chart", fixed: bool = False
) -> Markup:
    """Return a figure that a screen reader announces as ``label``; the units of a ``fixed`` figure are pixels."""
    size = f' width="{width:.0f}" height="{height:.0f}"' if fixed else ""
    box = f'viewBox="0 0 {width:.0f} {height:.0f}"{size}'
    head = f'<svg class="{kind}" {box} role="img" aria-label="{escape(label)}">'
    return Markup("".join([head, *parts, "</svg>"]))


def text(x: float, y: float, content: str, anchor: str = "middle") -> str:
    """Return a text whose ``anchor`` (start, middle, end) is at x; the style sheet has a class for start and end."""
    kind = "" if anchor == "middle" else f' class="{anchor}"'
    return f'<text{kind} x="{_coordinate(x)}" y="{_coordinate(y)}">{escape(content)}</text>'


def _coordinate(value: float) -> str:
    """Return a coordinate to a tenth of a unit, in as few characters as possible."""
    return f"{round(value, 1):g}"


def path(kind: str, steps: str, title: str = "") -> str:
    """Return a path of a class, with a tooltip if there is a title."""
    if not title:
        return f'<path class="{kind}" d="{steps}"/>'
    return f'<path class="{kind}" d="{steps}"><title>{escape(title)}</title></path>'


def dot(kind: str, x: float, y: float, title: str) -> str:
    """Return a circle of a class, with a tooltip."""
    centre = f'cx="{_coordinate(x)}" cy="{_coordinate(y)}"'
    return f'<circle class="{kind}" {centre} r="3.5"><title>{escape(title)}</title></circle>'


def vertical(x: float, bottom: float, content: str) -> str:
    """Return a vertical line of the grid, with its number below it."""
    return path("gridline", f"M{_coordinate(x)} 0V{bottom}") + text(x, bottom + 16, content)


def horizontal(y: float, left: float, content: str) -> str:
    """Return a horizontal line of the grid, with its number to the left."""
    return path("gridline", f"M{left} {_coordinate(y)}H{WIDTH - 20}") + text(left - 6, y + 4, content, "end")


def short(name: str, most: int = 22) -> str:
    """Return a name of at most ``most`` characters."""
    name = formatting.line(name)
    return name if len(name) <= most else name[: most - 1] + "…"


def series(index: int) -> str:
    """Return the classes of a series: its colour, and its dash, which changes when all colours are used."""
    return f"c{index % SERIES} d{index // SERIES % 4}"


class Axis:
    """A logarithmic scale from ``start`` to ``end`` in whole steps of 1, 2, 5; values outside are put at its ends."""

    def __init__(self, values: Iterable[float], start: float, end: float) -> None:
        positive = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
        self.low, self.high = _step_down(min(positive)), _step_up(max(positive))
        if self.low == self.high:
            self.high = _step_up(self.high * 1.01)
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value."""
        inside = min(max(value, self.low), self.high)
        share = math.log(inside / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """At most nine values: steps of 1, 2, 5, or decades, or every few decades."""
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


class Plot:
    """Chart with two logarithmic axes, which include ``xs`` and ``ys``; ``parts`` are drawn over its grid.

    ``left``, ``top`` and ``bottom`` are coordinates of the grid. The x-axis ends at ``inset`` from its sides.
    """

    def __init__(
        self,
        xs: Iterable[float],
        ys: Iterable[float],
        x_format: Callable[[float], str],
        y_format: Callable[[float], str],
        *,
        left: float = 72,
        top: float = 10,
        bottom: float = 300,
        inset: tuple[float, float] = (0, 0),
    ) -> None:
        self.left, self.bottom = left, bottom
        self.x = Axis(xs, left + inset[0], WIDTH - 20 - inset[1])
        self.y = Axis(ys, bottom, top)
        self.parts = [vertical(self.x(tick), bottom, x_format(tick)) for tick in self.x.ticks]
        self.parts += [horizontal(self.y(tick), left, y_format(tick)) for tick in self.y.ticks]

    def at(self, x: float, y: float) -> str:
        """Return the coordinates of a point to a tenth of a unit."""
        return f"{self.x(x):.1f} {self.y(y):.1f}"

    def add(self, part: str) -> None:
        """Draw a part over those before it."""
        self.parts.append(part)

    def add_rule(self, y: float, title: str) -> None:
        """Draw a horizontal rule across the grid."""
        self.add(path("rule", f"M{self.left} {self.y(y):.1f}H{WIDTH - 20}", title))

    def figure(self, label: str, x_title: str) -> Markup:
        """Return the chart with a title below its x-axis."""
        title = text((self.left + WIDTH) / 2, self.bottom + 34, x_title)
        return figure(label, self.bottom + 40, [*self.parts, title])
