"""Sweeps: growth of time with one dimension of a problem, and points at which one curve crosses another."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from convgauge.layers.sweeps import NAMED
from convgauge.problem import Problem, ProblemError
from convgauge.race import scaling
from convgauge.race.scaling import Crossover, Curve, Point
from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.report.model import Report
from convgauge.results import TimingRecord

ALONG = {
    "size": "rows and columns of the image",
    "channels": "input channels, the output's in proportion",
    "kernel": "rows and columns of the kernel",
    "batch": "images of the batch",
    "threads": "threads",
}
"""Dimension that grows along an axis."""


@dataclass
class Sweep:
    """Curves along one axis, the fastest at its end first, and their crossings."""

    environment: str
    curves: list[Curve]
    crossovers: list[Crossover]

    @property
    def leads(self) -> list[Crossover]:
        """Crossings at which the fastest of all implementations changes."""
        return [
            crossing
            for crossing in self.crossovers
            if not any(self._is_faster(curve, crossing) for curve in self.curves)
        ]

    def _is_faster(self, curve: Curve, crossing: Crossover) -> bool:
        """Return True if a third implementation is faster at a crossing of two."""
        values = [point.value for point in curve.points]
        if curve.implementation in (crossing.below, crossing.above) or not values[0] <= crossing.value <= values[-1]:
            return False
        return interpolate(curve.points, crossing.value) < self.height(crossing)

    def height(self, crossing: Crossover) -> float:
        """Return the seconds at a crossing."""
        curve = next(curve for curve in self.curves if curve.implementation == crossing.below)
        return interpolate(curve.points, crossing.value)

    @property
    def axis(self) -> str:
        """Key of `ALONG`."""
        return self.curves[0].axis

    @property
    def along(self) -> str:
        """Dimension that grows, in words."""
        return ALONG[self.axis]

    @property
    def title(self) -> str:
        """Axis, threads, state of the cache and environment."""
        first = self.curves[0]
        threads = formatting.plural(first.threads, "thread") if first.threads else ""
        return ", ".join(filter(None, (first.axis, threads, f"{first.operands} operands", self.environment)))


def sweeps(report: Report) -> list[Sweep]:
    """Return the sweeps of a report, one per environment, axis, thread count and state of the cache."""
    by_environment: dict[str, list[TimingRecord]] = {}
    for entry in report.entries:
        by_environment.setdefault(entry.environment, []).extend(filter(_is_readable, entry.timings))
    listed = []
    for environment, records in by_environment.items():
        grouped: dict[tuple[str, int, str], list[Curve]] = {}
        for curve in scaling.curves(records):
            if len(curve.points) > 1:
                grouped.setdefault((curve.axis, curve.threads, curve.operands), []).append(curve)
        crossovers = sorted(scaling.crossovers(records), key=lambda c: c.value)
        for key, curves in grouped.items():
            curves.sort(key=lambda curve: (-curve.points[-1].value, curve.points[-1].seconds, curve.implementation))
            crossings = [c for c in crossovers if (c.axis, c.threads, c.operands) == key]
            listed.append(Sweep(environment, curves, crossings))
    return listed


def _is_readable(record: TimingRecord) -> bool:
    """Return True for a record of a sweep along a known axis, with a valid problem and positive, finite times."""
    axis = record.layers.removeprefix(NAMED)
    if not scaling.is_sweep(record) or axis not in ALONG or not all(0 < s < math.inf for s in record.seconds):
        return False
    numbers = (record.ratio, record.low, record.high)
    try:
        Problem.parse(record.problem)
    except ProblemError:
        return False
    return record.threads > 0 and all(number is None or 0 < number < math.inf for number in numbers)


def draw(sweep: Sweep) -> Markup:
    """Return seconds against the axis: a line per implementation, and at a lead a ring and a bar for its interval."""
    points = [point for curve in sweep.curves for point in curve.points]
    plot = svg.Plot(
        [point.value for point in points], [point.seconds for point in points], "{:,.0f}".format, formatting.seconds
    )
    for index, curve in enumerate(sweep.curves):
        steps = "L".join(plot.at(point.value, point.seconds) for point in curve.points)
        plot.add(svg.path(f"line {svg.series(index)}", f"M{steps}", formatting.line(curve.implementation)))
    for crossing in sweep.leads:
        seconds, title = sweep.height(crossing), formatting.line(sentence(crossing))
        plot.add(svg.path("cross", f"M{plot.at(crossing.low, seconds)}H{plot.x(crossing.high):.1f}", title))
        plot.add(svg.dot("ring", plot.x(crossing.value), plot.y(seconds), title))
    return plot.figure(f"Time against {sweep.axis}", sweep.along)


def sentence(crossing: Crossover) -> str:
    """Return a crossing in words: ``a is faster up to 23 (between 18 and 30), then b is``."""
    value, low, high = (f"{value:,.3g}" for value in (crossing.value, crossing.low, crossing.high))
    return f"{crossing.below} is faster up to {value} (between {low} and {high}), then {crossing.above} is"


def interpolate(points: tuple[Point, ...], value: float) -> float:
    """Return the seconds at a value, along the line between its neighbours on logarithmic scales."""
    after = next((index for index, point in enumerate(points) if point.value >= value), len(points) - 1)
    left, right = points[max(after - 1, 0)], points[after]
    if left.value == right.value:
        return right.seconds
    share = math.log(value / left.value) / math.log(right.value / left.value)
    return float(left.seconds * (right.seconds / left.seconds) ** share)
