"""Figures: inline SVG that needs no script, follows the page's colours and prints."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from convgauge.report import words
from convgauge.report.speed import Race, median, ranked
from convgauge.results import SpecRecord

SERIES = 8
"""Colours there are; the ninth series takes the first colour again with another dash."""
WIDTH = 760
"""Width of a chart in its own units."""

# --- parts -----------------------------------------------------------------------------------------------------------


def _svg(label: str, height: float, parts: Iterable[str], width: float = WIDTH, kind: str = "chart") -> Markup:
    """A figure that a screen reader announces as ``label``."""
    head = f'<svg class="{kind}" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">'
    return Markup("".join([head, *parts, "</svg>"]))


def _text(x: float, y: float, content: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def _path(kind: str, steps: str, title: str = "") -> str:
    if not title:
        return f'<path class="{kind}" d="{steps}"/>'
    return f'<path class="{kind}" d="{steps}"><title>{escape(title)}</title></path>'


def _dot(kind: str, x: float, y: float, title: str) -> str:
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{escape(title)}</title></circle>'


def _vertical(x: float, bottom: float, content: str) -> str:
    """A line of the grid with its number under it."""
    return _path("gridline", f"M{x:.1f} 0V{bottom}") + _text(x, bottom + 16, content)


def _horizontal(y: float, left: float, content: str) -> str:
    return _path("gridline", f"M{left} {y:.1f}H{WIDTH - 20}") + _text(left - 6, y + 4, content, "end")


def _short(name: str, most: int = 22) -> str:
    name = words.line(name)
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


# --- margins ---------------------------------------------------------------------------------------------------------

_LEAST, _MOST, _PER_DECADE = -5, 3, 3
"""Margins are shown from 10^-5 to 10^3, three bars a decade; what lies outside counts in the outermost bars."""
_BARS = (_MOST - _LEAST) * _PER_DECADE
_ONE = -_LEAST * _PER_DECADE
"""The first bar at or above 1, where a case fails."""


_EDGES = [10 ** (_LEAST + place / _PER_DECADE) for place in range(1, _BARS)]
"""Where each bar but the first begins."""


def histogram(margins: Iterable[float]) -> list[int]:
    """How many margins lie in each bar; what is no number is no small one, and stands last."""
    counts = [0] * _BARS
    for margin in margins:
        counts[-1 if math.isnan(margin) else bisect_right(_EDGES, margin)] += 1
    return counts


def small_margins(margins: Sequence[float]) -> Markup:
    """A margin distribution that fits in a cell; the rule marks 1, above which a case fails."""
    counts = histogram(margins)
    top = max(counts) or 1
    bars = (f"M{4 * place + 2} 16v{-max(1, round(14 * n / top))}" for place, n in enumerate(counts) if n)
    rule = f'<path class="rule" d="M{4 * _ONE} 0v17"/>'
    return Markup(
        f'<svg class="hist" viewBox="0 0 {4 * _BARS} 17" aria-hidden="true">{rule}<path d="{"".join(bars)}"/></svg>'
    )


def large_margins(margins: Sequence[float]) -> Markup:
    """The same with an axis."""
    counts = histogram(margins)
    top = max(counts) or 1
    wide, bottom, left = 24, 150, 14
    one, end = left + wide * _ONE, left + wide * _BARS
    parts = []
    for place, n in enumerate(counts):
        if n:
            tall, kind = max(2, round(130 * n / top)), "bar over" if place >= _ONE else "bar"
            box = f'x="{left + wide * place + 1}" y="{bottom - tall}" width="{wide - 2}" height="{tall}"'
            parts.append(f'<rect class="{kind}" {box}><title>{words.plural(n, "case")}</title></rect>')
    parts += [_path("rule", f"M{one} 0V{bottom + 6}"), _path("axis", f"M{left} {bottom}H{end}")]
    for decade in range(_LEAST, _MOST + 1):
        name = "1" if decade == 0 else f"10{_superscript(decade)}"
        parts.append(_text(left + (decade - _LEAST) * _PER_DECADE * wide, bottom + 20, name))
    parts += [_text(one + 6, 12, "bound", "start"), _text((left + end) / 2, bottom + 37, "error ÷ bound")]
    over = sum(counts[_ONE:])
    spoken = f"Distribution of {len(margins)} margins: {len(margins) - over} below the bound, {over} at or above it"
    return _svg(spoken, bottom + 40, parts, width=end + left, kind="chart margins")


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def worst_margin(records: Iterable[SpecRecord]) -> float | None:
    """The largest margin of some records; None where nothing was measured."""
    return max((r.margin for r in records if r.margin is not None), default=None)


# --- speed -----------------------------------------------------------------------------------------------------------


def samples(race: Race, problem: str) -> Markup:
    """Every sample of one layer, a row an implementation: a dot a round, a rule at the median."""
    layer = next(layer for layer in race.layers if layer.problem == problem)
    rows = [(name, layer.cells[name]) for name in race.names if name in layer.cells and ranked(layer.cells[name])]
    if not rows:
        return Markup("")
    rows.sort(key=lambda row: median(row[1]))
    left, high = 170, 20
    x = Axis([s for _, t in rows for s in t.seconds], left, WIDTH - 20)
    bottom = high * len(rows) + 6
    parts = [_vertical(x(tick), bottom, words.seconds(tick)) for tick in x.ticks]
    for place, (name, timing) in enumerate(rows):
        y = high * place + 14
        dots = "".join(f"M{x(s):.0f} {y}h0" for s in timing.seconds if s > 0)
        told = f"{words.line(name)}: median {words.seconds(median(timing))} of {len(timing.seconds)}"
        parts.append(_text(left - 10, y + 4, _short(name), "end") + _path("dots", dots))
        parts.append(_path("median", f"M{x(median(timing)):.1f} {y - 7}v14", told))
    return _svg(f"Samples of {words.line(layer.label)}", bottom + 30, parts)


def profile(race: Race) -> Markup:
    """Performance profiles (Dolan & Moré 2002): the share of layers on which one is within a factor of the best."""
    slowdowns = {name: _slowdowns(race, name) for name in race.names}
    most = max((factors[-1] for factors in slowdowns.values() if factors), default=1.0)
    left, top, bottom = 52, 10, 300
    x = Axis([1.0, min(max(most, 2.0), 1000.0)], left, WIDTH - 20)
    parts = [_vertical(x(tick), bottom, f"{tick:g}×") for tick in x.ticks]
    parts += [
        _horizontal(bottom - share * (bottom - top), left, words.percent(share)) for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    for place, (name, factors) in enumerate(slowdowns.items()):
        height, steps = float(bottom), [f"M{left} {bottom}"]
        for factor in factors:
            if factor > x.high:
                break
            height -= (bottom - top) / len(race.layers)
            steps.append(f"H{x(factor):.1f}V{height:.1f}")
        parts.append(_path(f"line {series(place)}", "".join(steps) + f"H{WIDTH - 20}", words.line(name)))
    parts.append(_text((left + WIDTH) / 2, bottom + 34, "time ÷ the fastest one's on that layer"))
    return _svg("Performance profiles: share of layers within a factor of the fastest", bottom + 40, parts)


def _slowdowns(race: Race, name: str) -> list[float]:
    """How many times the fastest one's time it takes, layer by layer, least first."""
    pairs = ((layer.seconds(name), layer.best) for layer in race.layers)
    return sorted(seconds / best for seconds, best in pairs if seconds is not None and best)


def roofline(race: Race) -> Markup:
    """Achieved FLOP/s against FLOPs per byte, under the ceilings measured in the same run; "" where none were."""
    peak = max((limit.value for limit in race.limits if limit.what == "matmul"), default=None)
    copy = max((limit.value for limit in race.limits if limit.what == "copy"), default=None)
    points = [
        (place, layer.label, layer.intensity, layer.flops / seconds)
        for place, name in enumerate(race.names)
        for layer in race.layers
        if (seconds := layer.seconds(name) or 0) > 0 and layer.intensity
    ]
    if not peak or not copy or not points:
        return Markup("")
    left, top, bottom = 92, 10, 320
    x = Axis([intensity for _, _, intensity, _ in points] + [peak / copy], left, WIDTH - 20)
    y = Axis([rate for *_, rate in points] + [peak], bottom, top)
    parts = [_vertical(x(tick), bottom, f"{tick:g}") for tick in x.ticks]
    parts += [_horizontal(y(tick), left, words.big(tick, "FLOP/s")) for tick in y.ticks]
    start = max(x.low, y.low / copy)
    roof = f"M{x(start):.1f} {y(copy * start):.1f}L{x(peak / copy):.1f} {y(peak):.1f}H{WIDTH - 20}"
    parts.append(_path("roof", roof, f"{words.big(peak, 'FLOP/s')}, {words.big(copy, 'B/s')}"))
    for place, label, intensity, rate in points:
        share = words.percent(round(rate / min(peak, copy * intensity), 3))
        told = f"{race.names[place]}, {label}: {words.big(rate, 'FLOP/s')}, {share} of the roof"
        parts.append(_dot(series(place), x(intensity), y(rate), words.line(told)))
    parts.append(_text((left + WIDTH) / 2, bottom + 34, "FLOPs per byte, each operand read once"))
    return _svg("Roofline: achieved rate against arithmetic intensity", bottom + 40, parts)


def scaling(race: Race) -> Markup:
    """Seconds per call against the problem's FLOPs, a line an implementation; "" for fewer than three sizes."""
    lines = [_by_size(race, name) for name in race.names]
    points = [point for line in lines for point in line]
    if len({flops for flops, _ in points}) < 3:
        return Markup("")
    left, top, bottom = 72, 10, 300
    x = Axis([flops for flops, _ in points], left, WIDTH - 20)
    y = Axis([seconds for _, seconds in points], bottom, top)
    parts = [_vertical(x(tick), bottom, words.big(tick, "")) for tick in x.ticks]
    parts += [_horizontal(y(tick), left, words.seconds(tick)) for tick in y.ticks]
    for place, line in enumerate(lines):
        if line:
            path = "L".join(f"{x(flops):.1f} {y(seconds):.1f}" for flops, seconds in line)
            parts.append(_path(f"line {series(place)}", f"M{path}", words.line(race.names[place])))
    parts.append(_text((left + WIDTH) / 2, bottom + 34, "FLOPs of the layer"))
    return _svg("Time against size", bottom + 40, parts)


def _by_size(race: Race, name: str) -> list[tuple[int, float]]:
    """FLOPs and seconds, the geometric mean where layers of one size differ."""
    found: dict[int, list[float]] = {}
    for layer in race.layers:
        if layer.flops > 0 and (seconds := layer.seconds(name) or 0) > 0:
            found.setdefault(layer.flops, []).append(math.log(seconds))
    return [(flops, math.exp(sum(logs) / len(logs))) for flops, logs in sorted(found.items())]


def frontier(race: Race, margins: dict[str, float]) -> Markup:
    """Largest margin against geometric speed ratio, a point an implementation; "" for fewer than two."""
    points = [
        (place, s.name, max(margins[s.name], 1e-6), s.mean)
        for place, s in enumerate(race.standings)
        if s.name in margins and math.isfinite(margins[s.name]) and s.mean
    ]
    if len(points) < 2:
        return Markup("")
    left, top, bottom = 66, 16, 300
    x = Axis([ratio for *_, ratio in points] + [1.0], left, WIDTH - 120)
    y = Axis([margin for _, _, margin, _ in points] + [1.0], bottom, top)
    parts = [_vertical(x(tick), bottom, f"{tick:g}×") for tick in x.ticks]
    parts += [_horizontal(y(tick), left, f"{tick:g}") for tick in y.ticks]
    parts.append(_path("rule", f"M{left} {y(1.0):.1f}H{WIDTH - 20}"))
    named: list[tuple[float, float]] = []
    for place, name, margin, ratio in sorted(points, key=lambda point: point[3]):
        told = f"{words.line(name)}: margin {words.number(margin)}, {words.ratio(ratio)}"
        here = (x(ratio), y(margin))
        parts.append(_dot(series(place), *here, told))
        if all(abs(here[0] - a) > 130 or abs(here[1] - b) > 13 for a, b in named):  # else the key tells it
            named.append(here)
            parts.append(_text(here[0] + 7, here[1] + 4, _short(name), "start"))
    parts.append(_text((left + WIDTH) / 2, bottom + 34, "time ÷ baseline (geometric mean)"))
    return _svg("Error against speed", bottom + 40, parts)
