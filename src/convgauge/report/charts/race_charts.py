"""Figures of a race: samples, performance profiles, roofline, time by size, error against speed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import groupby, pairwise
from operator import itemgetter

from markupsafe import Markup

from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.report.speed import RaceTable, median, ranked


def samples(race: RaceTable, problem: str) -> Markup:
    """Return every sample of one layer, with a row per implementation and a rule at the median."""
    layer = next(layer for layer in race.layers if layer.problem == problem)
    rows = [(name, layer.cells[name]) for name in race.names if name in layer.cells and ranked(layer.cells[name])]
    if not rows:
        return Markup("")
    rows.sort(key=lambda row: median(row[1]))
    left, height = 170, 20
    x = svg.Axis([s for _, t in rows for s in t.seconds], left, svg.WIDTH - 20)
    bottom = height * len(rows) + 6
    parts = [svg.vertical(x(tick), bottom, formatting.seconds(tick)) for tick in x.ticks]
    medians = []
    for row, (name, timing) in enumerate(rows):
        y = height * row + 14
        dots = row_of_dots([x(s) for s in timing.seconds if s > 0], y)
        parts.append(svg.text(left - 10, y + 4, svg.short(name), "end") + svg.path("dots", dots))
        medians.append(f"M{x(median(timing)):.1f} {y - 7}v14")
    parts.append(svg.path("median", "".join(medians)))
    return svg.figure(f"Samples of {formatting.line(layer.label)}", bottom + 30, parts)


def row_of_dots(xs: Iterable[float], y: int) -> str:
    """Return the path of dots in one row: one per two units, by its distance from the dot before, which is short."""
    steps = (after - before for before, after in pairwise([0, *sorted({2 * round(x / 2) for x in xs})]))
    return f"M0 {y}" + "".join(f"m{step} 0z" for step in steps)


def profile(race: RaceTable) -> Markup:
    """Return performance profiles (Dolan & Moré 2002): the share of layers within a factor of the fastest."""
    slowdowns = {name: _slowdowns(race, name) for name in race.names}
    most = max((factors[-1] for factors in slowdowns.values() if factors), default=1.0)
    left, top, bottom = 52, 10, 300
    x = svg.Axis([1.0, min(max(most, 2.0), 1000.0)], left, svg.WIDTH - 20)
    parts = [svg.vertical(x(tick), bottom, f"{tick:g}×") for tick in x.ticks]
    parts += [
        svg.horizontal(bottom - share * (bottom - top), left, formatting.percent(share))
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    for index, (name, factors) in enumerate(slowdowns.items()):
        height, steps = float(bottom), [f"M{left} {bottom}"]
        for factor in factors:
            if factor > x.high:
                break
            height -= (bottom - top) / len(race.layers)
            steps.append(f"H{x(factor):.1f}V{height:.1f}")
        steps.append(f"H{svg.WIDTH - 20}")
        parts.append(svg.path(f"line {svg.series(index)}", "".join(steps), formatting.line(name)))
    parts.append(svg.text((left + svg.WIDTH) / 2, bottom + 34, "time ÷ that of the fastest on the layer"))
    return svg.figure("Performance profiles: share of layers within a factor of the fastest", bottom + 40, parts)


def _slowdowns(race: RaceTable, name: str) -> list[float]:
    """Return an implementation's time ÷ that of the fastest, by layer, in ascending order."""
    pairs = ((layer.seconds(name), layer.best) for layer in race.layers)
    return sorted(seconds / best for seconds, best in pairs if seconds is not None and best)


def roofline(race: RaceTable) -> Markup:
    """Return achieved FLOP/s against FLOPs per byte, under the measured ceilings; "" if no ceiling was measured."""
    peak = max((limit.value for limit in race.limits if limit.what == "matmul"), default=None)
    copy = max((limit.value for limit in race.limits if limit.what == "copy"), default=None)
    points = [
        (index, layer.intensity, layer.flops / seconds)
        for index, name in enumerate(race.names)
        for layer in race.layers
        if (seconds := layer.seconds(name) or 0) > 0 and layer.intensity
    ]
    if not peak or not copy or not points:
        return Markup("")
    _, xs, ys = zip(*points, strict=True)
    plot = svg.Plot([*xs, peak / copy], [*ys, peak], "{:g}".format, formatting.flop_rate, left=92, bottom=320)
    start = max(plot.x.low, plot.y.low / copy)
    roof = f"M{plot.at(start, copy * start)}L{plot.at(peak / copy, peak)}H{svg.WIDTH - 20}"
    plot.add(svg.path("roof", roof, f"{formatting.flop_rate(peak)}, {formatting.big(copy, 'B/s')}"))
    for index, group in groupby(points, key=itemgetter(0)):
        rates = [(intensity, rate) for _, intensity, rate in group]
        share = formatting.percent(round(max(rate / min(peak, copy * intensity) for intensity, rate in rates), 3))
        ends = " to ".join(formatting.flop_rate(end(rate for _, rate in rates)) for end in (min, max))
        dots = "".join(f"M{plot.x(intensity):.0f} {plot.y(rate):.0f}h0" for intensity, rate in rates)
        title = f"{formatting.line(race.names[index])}: {ends}, at best {share} of the roof"
        plot.add(svg.path(f"points c{index % svg.SERIES}", dots, title))
    return plot.figure("Roofline: achieved rate against arithmetic intensity", "FLOPs per byte, each operand read once")


def scaling(race: RaceTable) -> Markup:
    """Return seconds per call against FLOPs, with a line per implementation; "" for fewer than three sizes."""
    lines = [_by_size(race, name) for name in race.names]
    points = [point for line in lines for point in line]
    if len({flops for flops, _ in points}) < 3:
        return Markup("")
    xs, ys = zip(*points, strict=True)
    plot = svg.Plot(xs, ys, formatting.big, formatting.seconds)
    for index, line in enumerate(lines):
        if line:
            steps = "L".join(plot.at(*point) for point in line)
            plot.add(svg.path(f"line {svg.series(index)}", f"M{steps}", formatting.line(race.names[index])))
    return plot.figure("Time against size", "FLOPs of the layer")


def _by_size(race: RaceTable, name: str) -> list[tuple[int, float]]:
    """Return FLOPs and seconds, with the geometric mean of layers of equal size."""
    logarithms: dict[int, list[float]] = {}
    for layer in race.layers:
        if layer.flops > 0 and (seconds := layer.seconds(name) or 0) > 0:
            logarithms.setdefault(layer.flops, []).append(math.log(seconds))
    return [(flops, math.exp(sum(logs) / len(logs))) for flops, logs in sorted(logarithms.items())]


def frontier(race: RaceTable, margins: dict[str, float]) -> Markup:
    """Return the largest margin against the mean ratio, with a point per implementation; "" for fewer than two.

    The line joins the implementations that no other beats in both speed and accuracy.
    """
    points = [
        (s.mean_ratio, max(margins[s.implementation], 1e-6), index, s.implementation)
        for index, s in enumerate(race.standings)
        if math.isfinite(margins.get(s.implementation, math.inf)) and s.mean_ratio
    ]
    if len(points) < 2:
        return Markup("")
    xs, ys, _, _ = zip(*points, strict=True)
    plot = svg.Plot([*xs, 1.0], [*ys, 1.0], "{:g}×".format, "{:g}".format, left=66, top=16, inset=(0, 100))
    plot.add_rule(1.0, "the bound")
    steps = "L".join(plot.at(*point) for point in unbeaten(point[:2] for point in points))
    plot.add(svg.path("front", f"M{steps}", "none is both faster and more accurate"))
    labelled: list[tuple[float, float]] = []
    for ratio, margin, index, name in sorted(points):
        x, y = plot.x(ratio), plot.y(margin)
        title = f"{formatting.line(name)}: margin {formatting.number(margin)}, {formatting.ratio(ratio)}"
        plot.add(svg.dot(svg.series(index), x, y, title))
        if all(abs(x - a) > 130 or abs(y - b) > 13 for a, b in labelled):  # otherwise the name is in the key only
            labelled.append((x, y))
            plot.add(svg.text(x + 7, y + 4, svg.short(name), "start"))
    return plot.figure("Error against speed", "time ÷ baseline (geometric mean)")


def unbeaten(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points that no other is below in both coordinates, in ascending order of the first coordinate."""
    front: list[tuple[float, float]] = []
    for first, second in sorted(points):
        if not front or second < front[-1][1]:
            front.append((first, second))
    return front
