"""Figures of a race."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import groupby, pairwise
from operator import itemgetter

from markupsafe import Markup

from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.report.speed import Race, median, ranked


def samples(race: Race, problem: str) -> Markup:
    """Every sample of one layer, a row an implementation: a dot where rounds lie, a rule at their median."""
    layer = next(layer for layer in race.layers if layer.problem == problem)
    rows = [(name, layer.cells[name]) for name in race.names if name in layer.cells and ranked(layer.cells[name])]
    if not rows:
        return Markup("")
    rows.sort(key=lambda row: median(row[1]))
    left, high = 170, 20
    x = svg.Axis([s for _, t in rows for s in t.seconds], left, svg.WIDTH - 20)
    bottom = high * len(rows) + 6
    parts = [svg.vertical(x(tick), bottom, formatting.seconds(tick)) for tick in x.ticks]
    medians = []
    for place, (name, timing) in enumerate(rows):
        y = high * place + 14
        dots = _dots([round(x(s)) for s in timing.seconds if s > 0], y)
        parts.append(svg.text(left - 10, y + 4, svg.short(name), "end") + svg.path("dots", dots))
        medians.append(f"M{x(median(timing)):.1f} {y - 7}v14")
    parts.append(svg.path("median", "".join(medians)))
    return svg.figure(f"Samples of {formatting.line(layer.label)}", bottom + 30, parts)


def _dots(places: list[int], y: int) -> str:
    """Dots in one row, each told by its distance from the one before, which is short; one for all at one place."""
    steps = (after - before for before, after in pairwise([0, *sorted(set(places))]))
    return f"M0 {y}" + "".join(f"m{step} 0z" for step in steps)


def profile(race: Race) -> Markup:
    """Performance profiles (Dolan & Moré 2002): the share of layers on which one is within a factor of the best."""
    slowdowns = {name: _slowdowns(race, name) for name in race.names}
    most = max((factors[-1] for factors in slowdowns.values() if factors), default=1.0)
    left, top, bottom = 52, 10, 300
    x = svg.Axis([1.0, min(max(most, 2.0), 1000.0)], left, svg.WIDTH - 20)
    parts = [svg.vertical(x(tick), bottom, f"{tick:g}×") for tick in x.ticks]
    parts += [
        svg.horizontal(bottom - share * (bottom - top), left, formatting.percent(share))
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
            svg.path(f"line {svg.series(place)}", "".join(steps) + f"H{svg.WIDTH - 20}", formatting.line(name))
        )
    parts.append(svg.text((left + svg.WIDTH) / 2, bottom + 34, "time ÷ the fastest one's on that layer"))
    return svg.figure("Performance profiles: share of layers within a factor of the fastest", bottom + 40, parts)


def _slowdowns(race: Race, name: str) -> list[float]:
    """How many times the fastest one's time it takes, layer by layer, least first."""
    pairs = ((layer.seconds(name), layer.best) for layer in race.layers)
    return sorted(seconds / best for seconds, best in pairs if seconds is not None and best)


def roofline(race: Race) -> Markup:
    """Achieved FLOP/s against FLOPs per byte, under the ceilings measured in the same run; "" where none were."""
    peak = max((limit.value for limit in race.limits if limit.what == "matmul"), default=None)
    copy = max((limit.value for limit in race.limits if limit.what == "copy"), default=None)
    points = [
        (place, layer.intensity, layer.flops / seconds)
        for place, name in enumerate(race.names)
        for layer in race.layers
        if (seconds := layer.seconds(name) or 0) > 0 and layer.intensity
    ]
    if not peak or not copy or not points:
        return Markup("")
    left, top, bottom = 92, 10, 320
    x = svg.Axis([intensity for _, intensity, _ in points] + [peak / copy], left, svg.WIDTH - 20)
    y = svg.Axis([rate for *_, rate in points] + [peak], bottom, top)
    parts = [svg.vertical(x(tick), bottom, f"{tick:g}") for tick in x.ticks]
    parts += [svg.horizontal(y(tick), left, formatting.big(tick, "FLOP/s")) for tick in y.ticks]
    start = max(x.low, y.low / copy)
    roof = f"M{x(start):.1f} {y(copy * start):.1f}L{x(peak / copy):.1f} {y(peak):.1f}H{svg.WIDTH - 20}"
    parts.append(svg.path("roof", roof, f"{formatting.big(peak, 'FLOP/s')}, {formatting.big(copy, 'B/s')}"))
    for place, own in groupby(points, key=itemgetter(0)):
        met = [(intensity, rate) for _, intensity, rate in own]
        share = formatting.percent(round(max(rate / min(peak, copy * intensity) for intensity, rate in met), 3))
        rates = " to ".join(formatting.big(end(rate for _, rate in met), "FLOP/s") for end in (min, max))
        dots = "".join(f"M{x(intensity):.0f} {y(rate):.0f}h0" for intensity, rate in met)
        told = f"{formatting.line(race.names[place])}: {rates}, at best {share} of the roof"
        parts.append(svg.path(f"points c{place % svg.SERIES}", dots, told))
    parts.append(svg.text((left + svg.WIDTH) / 2, bottom + 34, "FLOPs per byte, each operand read once"))
    return svg.figure("Roofline: achieved rate against arithmetic intensity", bottom + 40, parts)


def scaling(race: Race) -> Markup:
    """Seconds per call against the problem's FLOPs, a line an implementation; "" for fewer than three sizes."""
    lines = [_by_size(race, name) for name in race.names]
    points = [point for line in lines for point in line]
    if len({flops for flops, _ in points}) < 3:
        return Markup("")
    left, top, bottom = 72, 10, 300
    x = svg.Axis([flops for flops, _ in points], left, svg.WIDTH - 20)
    y = svg.Axis([seconds for _, seconds in points], bottom, top)
    parts = [svg.vertical(x(tick), bottom, formatting.big(tick, "")) for tick in x.ticks]
    parts += [svg.horizontal(y(tick), left, formatting.seconds(tick)) for tick in y.ticks]
    for place, line in enumerate(lines):
        if line:
            path = "L".join(f"{x(flops):.1f} {y(seconds):.1f}" for flops, seconds in line)
            parts.append(svg.path(f"line {svg.series(place)}", f"M{path}", formatting.line(race.names[place])))
    parts.append(svg.text((left + svg.WIDTH) / 2, bottom + 34, "FLOPs of the layer"))
    return svg.figure("Time against size", bottom + 40, parts)


def _by_size(race: Race, name: str) -> list[tuple[int, float]]:
    """FLOPs and seconds, the geometric mean where layers of one size differ."""
    found: dict[int, list[float]] = {}
    for layer in race.layers:
        if layer.flops > 0 and (seconds := layer.seconds(name) or 0) > 0:
            found.setdefault(layer.flops, []).append(math.log(seconds))
    return [(flops, math.exp(sum(logs) / len(logs))) for flops, logs in sorted(found.items())]


def frontier(race: Race, margins: dict[str, float]) -> Markup:
    """Largest margin against geometric speed ratio, a point an implementation; "" for fewer than two.

    The line joins those that no other is both faster and more accurate than.
    """
    points = [
        (s.mean, max(margins[s.name], 1e-6), place, s.name)
        for place, s in enumerate(race.standings)
        if s.name in margins and math.isfinite(margins[s.name]) and s.mean
    ]
    if len(points) < 2:
        return Markup("")
    left, top, bottom = 66, 16, 300
    x = svg.Axis([ratio for ratio, *_ in points] + [1.0], left, svg.WIDTH - 120)
    y = svg.Axis([margin for _, margin, *_ in points] + [1.0], bottom, top)
    parts = [svg.vertical(x(tick), bottom, f"{tick:g}×") for tick in x.ticks]
    parts += [svg.horizontal(y(tick), left, f"{tick:g}") for tick in y.ticks]
    parts.append(svg.path("rule", f"M{left} {y(1.0):.1f}H{svg.WIDTH - 20}", "the bound"))
    steps = [f"{x(ratio):.1f} {y(margin):.1f}" for ratio, margin in unbeaten((p[0], p[1]) for p in points)]
    parts.append(svg.path("front", "M" + "L".join(steps), "none is both faster and more accurate"))
    named: list[tuple[float, float]] = []
    for ratio, margin, place, name in sorted(points):
        told = f"{formatting.line(name)}: margin {formatting.number(margin)}, {formatting.ratio(ratio)}"
        here = (x(ratio), y(margin))
        parts.append(svg.dot(svg.series(place), *here, told))
        if all(abs(here[0] - a) > 130 or abs(here[1] - b) > 13 for a, b in named):  # else the key tells it
            named.append(here)
            parts.append(svg.text(here[0] + 7, here[1] + 4, svg.short(name), "start"))
    parts.append(svg.text((left + svg.WIDTH) / 2, bottom + 34, "time ÷ baseline (geometric mean)"))
    return svg.figure("Error against speed", bottom + 40, parts)


def unbeaten(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other is below in both coordinates, from the least first coordinate on."""
    found: list[tuple[float, float]] = []
    for first, second in sorted(points):
        if not found or second < found[-1][1]:
            found.append((first, second))
    return found
