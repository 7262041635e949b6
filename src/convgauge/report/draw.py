"""Figures: inline SVG that needs no script, follows the page's colours and prints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from convgauge.problem import Problem, ProblemError
from convgauge.report import words
from convgauge.report.speed import Race, geometric_mean, median, ranked
from convgauge.results import Counterexample, SpecRecord

SERIES = 8
"""Colours there are; the ninth series takes the first colour again with another dash."""

# --- margins ---------------------------------------------------------------------------------------------------------

_LEAST, _MOST, _PER_DECADE = -5, 3, 3
"""Margins are shown from 10^-5 to 10^3, three bars a decade; what lies outside counts in the outermost bars."""
_BARS = (_MOST - _LEAST) * _PER_DECADE


def _bar(margin: float) -> int:
    if not margin > 0:
        return 0 if margin == 0 else _BARS - 1  # a margin that is not a number is no small one
    return min(_BARS - 1, max(0, math.floor((math.log10(margin) - _LEAST) * _PER_DECADE)))


def histogram(margins: Sequence[float | None]) -> list[int]:
    """Counts by bar. JSON has no infinity: the writer's null is one."""
    counts = [0] * _BARS
    for margin in margins:
        counts[_bar(math.inf if margin is None else margin)] += 1
    return counts


def small_margins(margins: Sequence[float]) -> Markup:
    """A margin distribution that fits in a cell; the rule marks 1, above which a case fails."""
    counts = histogram(margins)
    top = max(counts) or 1
    bars = "".join(
        f"M{4 * place + 2} 16v{-max(1, round(14 * count / top))}" for place, count in enumerate(counts) if count
    )
    one = -_LEAST * _PER_DECADE * 4
    return Markup(f'<svg class="hist" viewBox="0 0 {4 * _BARS} 17" aria-hidden="true"><path class="rule" d="M{one} 0v17"/><path d="{bars}"/></svg>')  # fmt: skip


def large_margins(margins: Sequence[float]) -> Markup:
    """The same with an axis."""
    counts = histogram(margins)
    top = max(counts) or 1
    width, height, left = 24 * _BARS, 150, 10
    parts = [
        f'<svg class="chart" viewBox="0 0 {width + 2 * left} {height + 40}" role="img" aria-label="{escape(_spoken(counts, len(margins)))}">'
    ]
    one = left - _LEAST * _PER_DECADE * 24
    for place, count in enumerate(counts):
        if count:
            tall = max(2, round((height - 16) * count / top))
            kind = "bar over" if place >= -_LEAST * _PER_DECADE else "bar"
            parts.append(
                f'<rect class="{kind}" x="{left + 24 * place + 1}" y="{height - tall}" width="22" height="{tall}"><title>{count}</title></rect>'
            )
    parts.append(
        f'<path class="rule" d="M{one} 0V{height + 6}"/><path class="axis" d="M{left} {height}H{width + left}"/>'
    )
    for decade in range(_LEAST, _MOST + 1):
        x = left + (decade - _LEAST) * _PER_DECADE * 24
        name = "1" if decade == 0 else f"10{_superscript(decade)}"
        parts.append(f'<text x="{x}" y="{height + 20}" text-anchor="middle">{name}</text>')
    parts.append(
        f'<text x="{one + 6}" y="12">bound</text><text x="{left + width / 2:.0f}" y="{height + 37}" text-anchor="middle">error ÷ bound</text></svg>'
    )
    return Markup("".join(parts))


def _spoken(counts: Sequence[int], total: int) -> str:
    over = sum(counts[-_LEAST * _PER_DECADE :])
    return f"Distribution of {total} margins: {total - over} below the bound, {over} at or above it"


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


# --- counterexamples -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One number of a drawn array; ``mark`` is "", "field", "wrong" or "wrong first"."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    title: str
    rows: list[list[Cell]]


def grids(case: Counterexample, most: int = 24) -> list[Grid]:
    """Input, kernel, got and expected of a drawn counterexample, cut to ``most`` rows and columns; [] without one.

    Wrong outputs are marked, the first wrong one apart, and in the input the receptive field of that one.
    """
    if case.picture is None:
        return []
    got, expected = case.picture.got, case.picture.expected
    wrong = {
        (r, c)
        for r, row in enumerate(expected)
        for c, value in enumerate(row)
        if not _same(value, got[r][c] if r < len(got) and c < len(got[r]) else None)
    }
    first = (case.index[-2], case.index[-1]) if len(case.index) >= 2 else min(wrong, default=None)
    seen = _field(case.problem, first) if first else frozenset[tuple[int, int]]()
    marks = {place: "wrong" for place in wrong} | ({first: "wrong first"} if first in wrong else {})
    return [
        _grid("input", case.picture.input, dict.fromkeys(seen, "field"), most),
        _grid("kernel", case.picture.weight, {}, most),
        _grid("got", got, marks, most),
        _grid("expected", expected, marks, most),
    ]


def _same(a: float | None, b: float | None) -> bool:
    return a == b or (a is None and b is None)


def _field(problem: str, output: tuple[int, int]) -> frozenset[tuple[int, int]]:
    """The input's elements that one output is made of."""
    try:
        p = Problem.parse(problem)
    except ProblemError:
        return frozenset()
    rows, columns = (
        [output[axis] * p.stride[axis] - p.pads[axis][0] + p.dilation[axis] * k for k in range(min(p.kernel[axis], 64))]
        for axis in (0, 1)
    )
    return frozenset((r, c) for r in rows for c in columns)


def _grid(title: str, values: Sequence[Sequence[float | None]], marks: dict[tuple[int, int], str], most: int) -> Grid:
    rows = [
        [Cell(_element(value), marks.get((r, c), "")) for c, value in enumerate(row[:most])]
        + ([Cell("…")] if len(row) > most else [])
        for r, row in enumerate(values[:most])
    ]
    shape = f"{len(values)} × {len(values[0]) if values else 0}"
    return Grid(f"{title} ({shape})", rows + ([[Cell("…")]] if len(values) > most else []))


def _element(value: float | None) -> str:
    if value is None:
        return "nan"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.4g}"


# --- speed -----------------------------------------------------------------------------------------------------------


class Axis:
    """A logarithmic scale from ``low`` to ``high`` onto ``start`` … ``end``, widened to whole steps of 1, 2, 5."""

    def __init__(self, values: Iterable[float], start: float, end: float) -> None:
        kept = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
        self.low, self.high = _step_down(min(kept)), _step_up(max(kept))
        if self.low == self.high:
            self.high = _step_up(self.high * 1.01)
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """1, 2, 5 steps, or decades alone where there would be more than nine."""
        steps = [m * 10.0**e for e in range(-12, 16) for m in (1, 2, 5)]
        inside = [s for s in steps if self.low * 0.999 <= s <= self.high * 1.001]
        if len(inside) > 9:
            inside = [s for s in inside if math.log10(s) == round(math.log10(s))]
        return inside


def _step_down(value: float) -> float:
    scale = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return max(m * scale for m in (1, 2, 5) if m * scale <= value * 1.0001)


def _step_up(value: float) -> float:
    scale = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return min(m * scale for m in (1, 2, 5, 10) if m * scale >= value * 0.9999)


def series(place: int) -> str:
    """The classes of the line of the series at ``place``: its colour, and its dash once the colours are used up."""
    return f"c{place % SERIES} d{place // SERIES % 4}"


def samples(race: Race, problem: str) -> Markup:
    """Every sample of one layer, a row an implementation: a dot a round, a rule at the median."""
    layer = next(layer for layer in race.layers if layer.problem == problem)
    rows = [(name, layer.cells[name]) for name in race.names if name in layer.cells and ranked(layer.cells[name])]
    if not rows:
        return Markup("")
    rows.sort(key=lambda row: median(row[1]))
    left, width, high = 170, 760, 20
    x = Axis([s for _, t in rows for s in t.seconds], left, width - 20)
    bottom = high * len(rows) + 6
    parts = [
        f'<svg class="chart" viewBox="0 0 {width} {bottom + 30}" role="img" aria-label="Samples of {escape(words.line(layer.label))}">'
    ]
    parts += [_vertical(x(tick), bottom, words.seconds(tick)) for tick in x.ticks]
    for place, (name, timing) in enumerate(rows):
        y = high * place + 14
        dots = "".join(f"M{x(s):.0f} {y}h0" for s in timing.seconds if s > 0)
        middle = f"{x(median(timing)):.1f}"
        parts.append(
            f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(_short(name))}</text>'
            f'<path class="dots" d="{dots}"/><path class="median" d="M{middle} {y - 7}v14"><title>{escape(words.line(name))}: {words.seconds(median(timing))}</title></path>'
        )
    return Markup("".join([*parts, "</svg>"]))


def _vertical(x: float, bottom: float, text: str) -> str:
    return f'<path class="grid" d="M{x:.1f} 0V{bottom}"/><text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{text}</text>'


def _horizontal(y: float, left: float, right: float, text: str) -> str:
    return f'<path class="grid" d="M{left} {y:.1f}H{right}"/><text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'


def _short(name: str, most: int = 22) -> str:
    name = words.line(name)
    return name if len(name) <= most else name[: most - 1] + "…"


def profile(race: Race) -> Markup:
    """Performance profiles (Dolan & Moré 2002): the share of layers on which one is within a factor of the best."""
    slowdowns = {
        s.name: sorted(
            median(layer.cells[s.name]) / layer.best
            for layer in race.layers
            if layer.best and s.name in layer.cells and ranked(layer.cells[s.name])
        )
        for s in race.standings
    }
    most = max((factors[-1] for factors in slowdowns.values() if factors), default=1.0)
    left, width, top, bottom = 52, 760, 10, 300
    x = Axis([1.0, min(max(most, 2.0), 1000.0)], left, width - 20)
    parts = [
        f'<svg class="chart lines" viewBox="0 0 {width} {bottom + 40}" role="img" aria-label="Performance profiles: share of layers within a factor of the fastest">'
    ]
    parts += [_vertical(x(tick), bottom, f"{tick:g}×") for tick in x.ticks]
    parts += [
        _horizontal(bottom - share * (bottom - top), left, width - 20, f"{100 * share:.0f} %")
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    for place, (name, factors) in enumerate(slowdowns.items()):
        height, steps = float(bottom), [f"M{left} {bottom}"]
        for factor in factors:
            if factor > x.high:
                break
            height -= (bottom - top) / len(race.layers)
            steps.append(f"H{x(factor):.1f}V{height:.1f}")
        parts.append(
            f'<path class="line {series(place)}" d="{"".join(steps)}H{width - 20}"><title>{escape(words.line(name))}</title></path>'
        )
    parts.append(
        f'<text x="{(left + width) / 2:.0f}" y="{bottom + 34}" text-anchor="middle">time ÷ the fastest one\'s on that layer</text></svg>'
    )
    return Markup("".join(parts))


def roofline(race: Race) -> Markup:
    """Achieved FLOP/s against FLOPs per byte, under the ceilings measured in the same run; "" where none were."""
    peak = max((limit.value for limit in race.limits if limit.what == "matmul"), default=None)
    copy = max((limit.value for limit in race.limits if limit.what == "copy"), default=None)
    points = [
        (place, layer, layer.intensity, layer.flops / median(layer.cells[name]))
        for place, name in enumerate(race.names)
        for layer in race.layers
        if name in layer.cells and ranked(layer.cells[name]) and layer.intensity and layer.flops
    ]
    if not peak or not copy or not points:
        return Markup("")
    left, width, top, bottom = 86, 760, 10, 320
    x = Axis([intensity for _, _, intensity, _ in points] + [peak / copy], left, width - 20)
    y = Axis([rate for *_, rate in points] + [peak], bottom, top)
    ridge = min(max(peak / copy, x.low), x.high)
    parts = [
        f'<svg class="chart lines" viewBox="0 0 {width} {bottom + 40}" role="img" aria-label="Roofline: achieved rate against arithmetic intensity">'
    ]
    parts += [_vertical(x(tick), bottom, f"{tick:g}") for tick in x.ticks]
    parts += [_horizontal(y(tick), left, width - 20, words.big(tick, "FLOP/s")) for tick in y.ticks]
    start = max(x.low, y.low / copy)
    parts.append(
        f'<path class="roof" d="M{x(start):.1f} {y(min(peak, copy * start)):.1f}L{x(ridge):.1f} {y(min(peak, copy * ridge)):.1f}H{width - 20}"/>'
    )
    for place, layer, intensity, rate in points:
        title = f"{words.line(race.names[place])}, {words.line(layer.label)}: {words.big(rate, 'FLOP/s')}, {100 * rate / min(peak, copy * intensity):.0f} % of the roof"
        parts.append(
            f'<circle class="{series(place)}" cx="{x(intensity):.1f}" cy="{y(rate):.1f}" r="3.5"><title>{escape(title)}</title></circle>'
        )
    parts.append(
        f'<text x="{(left + width) / 2:.0f}" y="{bottom + 34}" text-anchor="middle">FLOPs per byte, each operand read once</text></svg>'
    )
    return Markup("".join(parts))


def scaling(race: Race) -> Markup:
    """Seconds per call against the problem's FLOPs, a point a layer, a line an implementation."""
    lines = [
        (place, sorted((layer.flops, median(layer.cells[name])) for layer in race.layers
                       if name in layer.cells and ranked(layer.cells[name]) and layer.flops))
        for place, name in enumerate(race.names)
    ]  # fmt: skip
    points = [point for _, line in lines for point in line]
    if len({flops for flops, _ in points}) < 3:
        return Markup("")
    left, width, top, bottom = 66, 760, 10, 300
    x = Axis([flops for flops, _ in points], left, width - 20)
    y = Axis([seconds for _, seconds in points], bottom, top)
    parts = [f'<svg class="chart lines" viewBox="0 0 {width} {bottom + 40}" role="img" aria-label="Time against size">']
    parts += [_vertical(x(tick), bottom, words.big(tick, "")) for tick in x.ticks]
    parts += [_horizontal(y(tick), left, width - 20, words.seconds(tick)) for tick in y.ticks]
    for place, line in lines:
        means = [
            (flops, geometric_mean(s for f, s in line if f == flops) or 1) for flops in sorted({f for f, _ in line})
        ]
        path = "L".join(f"{x(flops):.1f} {y(seconds):.1f}" for flops, seconds in means)
        parts.append(
            f'<path class="line {series(place)}" d="M{path}"><title>{escape(words.line(race.names[place]))}</title></path>'
        )
    parts.append(
        f'<text x="{(left + width) / 2:.0f}" y="{bottom + 34}" text-anchor="middle">FLOPs of the layer</text></svg>'
    )
    return Markup("".join(parts))


def frontier(points: Sequence[tuple[str, float, float]]) -> Markup:
    """Largest margin against geometric speed ratio, a point an implementation; "" for fewer than two."""
    points = [(name, max(margin, 1e-6), ratio) for name, margin, ratio in points if ratio > 0 and math.isfinite(margin)]
    if len(points) < 2:
        return Markup("")
    left, width, top, bottom = 66, 760, 16, 300
    x = Axis([ratio for *_, ratio in points] + [1.0], left, width - 120)
    y = Axis([margin for _, margin, _ in points] + [1.0], bottom, top)
    parts = [
        f'<svg class="chart lines" viewBox="0 0 {width} {bottom + 40}" role="img" aria-label="Error against speed">'
    ]
    parts += [_vertical(x(tick), bottom, f"{tick:g}×") for tick in x.ticks]
    parts += [_horizontal(y(tick), left, width - 20, f"{tick:g}") for tick in y.ticks]
    parts.append(f'<path class="rule" d="M{left} {y(1.0):.1f}H{width - 20}"/>')
    for place, (name, margin, ratio) in enumerate(points):
        parts.append(
            f'<circle class="{series(place)}" cx="{x(ratio):.1f}" cy="{y(margin):.1f}" r="4"><title>{escape(words.line(name))}</title></circle>'
            f'<text x="{x(ratio) + 7:.1f}" y="{y(margin) + 4:.1f}">{escape(_short(name))}</text>'
        )
    parts.append(
        f'<text x="{(left + width) / 2:.0f}" y="{bottom + 34}" text-anchor="middle">time ÷ baseline (geometric mean)</text></svg>'
    )
    return Markup("".join(parts))


def worst_margin(records: Iterable[SpecRecord]) -> float | None:
    return max((r.margin for r in records if r.margin is not None), default=None)
