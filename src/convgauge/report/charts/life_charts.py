"""Lives of a race: why the interval of a ratio is as wide as it is."""

from __future__ import annotations

import math

from markupsafe import Markup

from convgauge.race import statistics as stats
from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.report.charts.race_charts import row_of_dots
from convgauge.report.speed import LayerRow, RaceTable, ranked
from convgauge.results import TimingRecord

LEFT, RIGHT, ROW = 170, 190, 22
"""Coordinates of the rows: width of the names, width of the text at the end, height of a row."""

MIN_HALF_WIDTH = 0.005
"""Smallest deviation of the axis's ends from the estimate."""


def figures(race: RaceTable) -> list[tuple[LayerRow, Markup]]:
    """Return the layers of a race that have lives, each with its figure."""
    return [(layer, figure) for layer in race.layers if (figure := lives(race, layer))]


def lives(race: RaceTable, layer: LayerRow) -> Markup:
    """Return each life's ratio over the estimate as points, with the interval, in a row per implementation.

    The text at the end of a row names the larger of two standard deviations: that between processes, and that of
    sampling. Runs without lives have no such figure.
    """
    rows = [(name, t, points) for name in race.names if (t := layer.cells.get(name)) and (points := _points(layer, t))]
    if not rows:
        return Markup("")
    half = max(abs(point) for _, _, points in rows for point in points)
    half = max(half, *(abs(end) for _, t, _ in rows for end in _ends(t)), MIN_HALF_WIDTH)
    middle = (LEFT + svg.WIDTH - RIGHT) / 2
    scale = (svg.WIDTH - RIGHT - LEFT) / 2 / half
    bottom = ROW * len(rows) + 6
    parts = [
        svg.vertical(middle + scale * tick, bottom, f"{100 * tick:+g} %" if tick else "0") for tick in _ticks(half)
    ]
    bars, dots = [], []
    for row, (name, timing, points) in enumerate(rows):
        y = ROW * row + 14
        low, high = (middle + scale * end for end in _ends(timing))
        bars.append(f"M{low:.0f} {y}H{high:.0f}")
        dots.append(row_of_dots([middle + scale * point for point in points], y))
        parts += [svg.text(LEFT - 10, y + 4, svg.short(name), "end")]
        parts += [svg.text(svg.WIDTH - RIGHT + 12, y + 4, larger_variance(timing), "start")]
    parts += [svg.path("interval", "".join(bars)), svg.path("dots", "".join(dots))]
    return svg.figure(f"Lives of {formatting.line(layer.label)}", bottom + 30, parts)


def larger_variance(timing: TimingRecord) -> str:
    """Return the larger of the two standard deviations of a life's ratio with its cause; "" if unknown."""
    if timing.between is None or timing.sampling is None:
        return ""
    if timing.between > timing.sampling:
        return f"processes {100 * timing.between:.2g} %"
    return f"sampling {100 * timing.sampling:.2g} %"


def _points(layer: LayerRow, timing: TimingRecord) -> list[float]:
    """Return the log ratio of each life less the estimate's; nothing without lives."""
    baseline = next((t for t in layer.cells.values() if t.verdict == "baseline"), None)
    if baseline is None or timing is baseline or not ranked(timing) or not timing.lives or not timing.ratio:
        return []
    references = [baseline.samples_by_life, baseline.control_by_life]
    points = []
    for times, *others in zip(timing.samples_by_life, *filter(None, references), strict=False):
        if times and all(others) and min(map(min, (times, *others))) > 0:
            points.append(stats.life_ratio(times, *others).log - math.log(timing.ratio))
    return points


def _ends(timing: TimingRecord) -> tuple[float, float]:
    """Return the logarithms of the interval's ends over the estimate; 0 without an interval."""
    if not timing.low or not timing.high or not timing.ratio:
        return 0.0, 0.0
    return math.log(timing.low / timing.ratio), math.log(timing.high / timing.ratio)


def _ticks(half: float) -> list[float]:
    """Return five round deviations within the axis."""
    power = 10.0 ** math.floor(math.log10(half))
    step = max(m * power for m in (0.5, 1.0, 2.0, 5.0) if m * power <= half) / 2
    count = int(half / step + 1e-9)
    return [step * index for index in range(-count, count + 1)][:: max(1, count // 2)]
