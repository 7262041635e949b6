"""Margins, error divided by its bound: their distribution, and the largest by the number of summed products."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.results import SpecRecord

_MIN_DECADE, _MAX_DECADE, _PER_DECADE = -5, 3, 3
"""Margins are shown from 10^-5 to 10^3 with three bars per decade; others count in the outermost bars."""

_BARS = (_MAX_DECADE - _MIN_DECADE) * _PER_DECADE
_FLOOR = 1e-4
"""Smaller margins, and exact answers, are drawn here if they are plotted by length."""

BOUND = -_MIN_DECADE * _PER_DECADE
"""The first bar at or above 1, at which a case fails."""

_EDGES = [10 ** (_MIN_DECADE + bar / _PER_DECADE) for bar in range(1, _BARS)]
"""Lower edge of each bar except the first."""


def histogram(margins: Iterable[float]) -> list[int]:
    """Return the number of margins in each bar; NaN counts in the last."""
    counts = [0] * _BARS
    for margin in margins:
        counts[-1 if math.isnan(margin) else bisect_right(_EDGES, margin)] += 1
    return counts


def _heights(counts: Sequence[int], highest: int, lowest: int = 1) -> list[int]:
    """Return heights in proportion to the counts; a bar with a count is at least ``lowest`` high."""
    top = max(counts) or 1
    return [max(lowest, round(highest * count / top)) if count else 0 for count in counts]


def small(margins: Sequence[float]) -> Markup:
    """Return a distribution that fits in a cell of a table; the rule marks 1, above which a case fails."""
    heights = enumerate(_heights(histogram(margins), 14))
    bars = "".join(f"M{4 * bar + 2} 16v{-height}" for bar, height in heights if height)
    rule = f'<path class="rule" d="M{4 * BOUND} 0v17"/>'
    return Markup(f'<svg class="hist" viewBox="0 0 {4 * _BARS} 17" aria-hidden="true">{rule}<path d="{bars}"/></svg>')


def letters(margins: Sequence[float]) -> str:
    """Return a letter per bar, for the script of the pages: "a" for none to "o" for the highest."""
    return "".join(chr(ord("a") + height) for height in _heights(histogram(margins), 14)).rstrip("a")


def large(margins: Sequence[float]) -> Markup:
    """Return a distribution with an axis."""
    counts = histogram(margins)
    wide, bottom, left = 24, 150, 14
    bound, end = left + wide * BOUND, left + wide * _BARS
    heights = enumerate(_heights(counts, 130, 2))
    bars = [f"M{left + wide * bar + 12} {bottom}v{-height}" for bar, height in heights if height]
    below = sum(n > 0 for n in counts[:BOUND])
    parts = [svg.path("bar", "".join(bars[:below])), svg.path("bar over", "".join(bars[below:]))]
    parts += [svg.path("rule", f"M{bound} 0V{bottom + 6}"), svg.path("axis", f"M{left} {bottom}H{end}")]
    for decade in range(_MIN_DECADE, _MAX_DECADE + 1):
        name = "1" if decade == 0 else f"10{_superscript(decade)}"
        parts.append(svg.text(left + (decade - _MIN_DECADE) * _PER_DECADE * wide, bottom + 20, name))
    parts += [svg.text(bound + 6, 12, "bound", "start"), svg.text((left + end) / 2, bottom + 37, "error ÷ bound")]
    over = sum(counts[BOUND:])
    label = f"Distribution of {len(margins)} margins: {len(margins) - over} below the bound, {over} at or above it"
    return svg.figure(label, bottom + 40, parts, width=end + left, kind="chart margins")


def by_length(records: Sequence[SpecRecord]) -> tuple[Markup, list[str]]:
    """Return the largest margin at each number of summed products, with a colour per dtype, and these dtypes.

    The figure is "" for fewer than 3 different numbers.
    """
    largest_by_dtype: dict[str, dict[int, float]] = {}
    for record in records:
        for length, margin in zip(record.reductions, record.margins, strict=False):
            if length > 0 and not math.isnan(margin):
                margins = largest_by_dtype.setdefault(record.dtype, {})
                margins[length] = max(margins.get(length, 0.0), margin)
    lengths = {length for margins in largest_by_dtype.values() for length in margins}
    if len(lengths) < 3:
        return Markup(""), []
    heights = [max(margin, _FLOOR) for margins in largest_by_dtype.values() for margin in margins.values()]
    plot = svg.Plot(lengths, [1.0, *heights], "{:,.0f}".format, "{:g}".format, left=66, bottom=240, inset=(8, 8))
    plot.add_rule(1.0, "bound")
    for index, (dtype, margins) in enumerate(largest_by_dtype.items()):
        points = sorted(margins.items())
        dots = "".join(f"M{plot.x(length):.0f} {plot.y(max(margin, _FLOOR)):.0f}h0" for length, margin in points)
        maximum = formatting.number(max(margins.values()))
        title = f"{formatting.line(dtype)}: {len(margins)} lengths, largest margin {maximum}"
        plot.add(svg.path(f"points c{index % svg.SERIES}", dots, title))
    figure = plot.figure("Largest error ÷ bound against the length of the sum", "products summed for one output")
    return figure, list(largest_by_dtype)


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def largest(records: Iterable[SpecRecord]) -> float | None:
    """Return the largest margin of several records, or None if no margin was measured."""
    return max((record.margin for record in records if record.margin is not None), default=None)
