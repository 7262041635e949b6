"""Margins, error divided by its bound: how they are distributed, and by how many products were summed."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.results import SpecRecord

_LEAST, _MOST, _PER_DECADE = -5, 3, 3
"""Margins are shown from 10^-5 to 10^3, three bars a decade; what lies outside counts in the outermost bars."""
_BARS = (_MOST - _LEAST) * _PER_DECADE
_FLOOR = 1e-4
"""Smaller margins, and exact answers, are drawn here where lengths are compared."""
ONE = -_LEAST * _PER_DECADE
"""The first bar at or above 1, where a case fails."""


_EDGES = [10 ** (_LEAST + place / _PER_DECADE) for place in range(1, _BARS)]
"""Where each bar but the first begins."""


def histogram(margins: Iterable[float]) -> list[int]:
    """How many margins lie in each bar; what is no number is no small one, and stands last."""
    counts = [0] * _BARS
    for margin in margins:
        counts[-1 if math.isnan(margin) else bisect_right(_EDGES, margin)] += 1
    return counts


def small(margins: Sequence[float]) -> Markup:
    """A margin distribution that fits in a cell; the rule marks 1, above which a case fails."""
    counts = histogram(margins)
    top = max(counts) or 1
    bars = (f"M{4 * place + 2} 16v{-max(1, round(14 * n / top))}" for place, n in enumerate(counts) if n)
    rule = f'<path class="rule" d="M{4 * ONE} 0v17"/>'
    return Markup(
        f'<svg class="hist" viewBox="0 0 {4 * _BARS} 17" aria-hidden="true">{rule}<path d="{"".join(bars)}"/></svg>'
    )


def letters(margins: Sequence[float]) -> str:
    """The bars as a letter each, for the pages' script: "a" for none to "o" for the highest."""
    counts = histogram(margins)
    top = max(counts) or 1
    heights = ((max(1, round(14 * n / top)) if n else 0) for n in counts)
    return "".join(chr(ord("a") + height) for height in heights).rstrip("a")


def large(margins: Sequence[float]) -> Markup:
    """The same with an axis."""
    counts = histogram(margins)
    top = max(counts) or 1
    wide, bottom, left = 24, 150, 14
    one, end = left + wide * ONE, left + wide * _BARS
    bars = [
        f"M{left + wide * place + 12} {bottom}v{-max(2, round(130 * n / top))}" for place, n in enumerate(counts) if n
    ]
    below = sum(n > 0 for n in counts[:ONE])
    parts = [svg.path("bar", "".join(bars[:below])), svg.path("bar over", "".join(bars[below:]))]
    parts += [svg.path("rule", f"M{one} 0V{bottom + 6}"), svg.path("axis", f"M{left} {bottom}H{end}")]
    for decade in range(_LEAST, _MOST + 1):
        name = "1" if decade == 0 else f"10{_superscript(decade)}"
        parts.append(svg.text(left + (decade - _LEAST) * _PER_DECADE * wide, bottom + 20, name))
    parts += [svg.text(one + 6, 12, "bound", "start"), svg.text((left + end) / 2, bottom + 37, "error ÷ bound")]
    over = sum(counts[ONE:])
    spoken = f"Distribution of {len(margins)} margins: {len(margins) - over} below the bound, {over} at or above it"
    return svg.figure(spoken, bottom + 40, parts, width=end + left, kind="chart margins")


def by_length(records: Sequence[SpecRecord]) -> tuple[Markup, list[str]]:
    """The largest margin at each number of summed products, a colour a dtype, and these dtypes; "" for fewer than 3."""
    found: dict[str, dict[int, float]] = {}
    for record in records:
        for length, margin in zip(record.reductions, record.margins, strict=False):
            if length > 0 and not math.isnan(margin):
                own = found.setdefault(record.dtype, {})
                own[length] = max(own.get(length, 0.0), margin)
    lengths = {length for own in found.values() for length in own}
    if len(lengths) < 3:
        return Markup(""), []
    left, top, bottom = 66, 10, 240
    x = svg.Axis(lengths, left + 8, svg.WIDTH - 28)
    y = svg.Axis([1.0, *(max(m, _FLOOR) for own in found.values() for m in own.values())], bottom, top)
    parts = [svg.vertical(x(tick), bottom, f"{tick:,.0f}") for tick in x.ticks]
    parts += [svg.horizontal(y(tick), left, f"{tick:g}") for tick in y.ticks]
    parts.append(svg.path("rule", f"M{left} {y(1.0):.1f}H{svg.WIDTH - 20}", "bound"))
    for place, (dtype, own) in enumerate(found.items()):
        dots = "".join(f"M{x(length):.0f} {y(max(m, _FLOOR)):.0f}h0" for length, m in sorted(own.items()))
        told = f"{formatting.line(dtype)}: {len(own)} lengths, largest margin {formatting.number(max(own.values()))}"
        parts.append(svg.path(f"points c{place % svg.SERIES}", dots, told))
    parts.append(svg.text((left + svg.WIDTH) / 2, bottom + 34, "products summed for one output"))
    return svg.figure("Largest error ÷ bound against the length of the sum", bottom + 40, parts), list(found)


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def worst(records: Iterable[SpecRecord]) -> float | None:
    """The largest margin of some records; None where nothing was measured."""
    return max((r.margin for r in records if r.margin is not None), default=None)
