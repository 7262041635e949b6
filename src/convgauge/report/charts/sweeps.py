"""Sweeps: how time grows as one dimension of a problem does, and where one implementation overtakes another."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from convgauge.layers import sweeps
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
"""What grows along an axis."""


@dataclass
class Sweep:
    """The curves along one axis, the fastest at its end first, and where they cross."""

    environment: str
    curves: list[Curve]
    crossovers: list[Crossover]

    @property
    def leads(self) -> list[Crossover]:
        """The crossings at which the fastest of all changes, up to the place where each is."""
        return [one for one in self.crossovers if not any(self._between(one, curve) for curve in self.curves)]

    def _between(self, crossing: Crossover, curve: Curve) -> bool:
        """Whether a third one is the faster where two cross."""
        values = [point.value for point in curve.points]
        if curve.implementation in (crossing.below, crossing.above) or not values[0] <= crossing.value <= values[-1]:
            return False
        return at(curve.points, crossing.value) < self.height(crossing)

    def height(self, crossing: Crossover) -> float:
        """The seconds at a crossing."""
        own = next(curve for curve in self.curves if curve.implementation == crossing.below)
        return at(own.points, crossing.value)

    @property
    def axis(self) -> str:
        return self.curves[0].axis

    @property
    def along(self) -> str:
        return ALONG[self.axis]

    @property
    def title(self) -> str:
        first = self.curves[0]
        threads = formatting.plural(first.threads, "thread") if first.threads else ""
        return ", ".join(filter(None, (first.axis, threads, f"{first.operands} operands", self.environment)))


def found(report: Report) -> list[Sweep]:
    """Every sweep of the report; one is of one environment, axis, thread count and state of the cache."""
    records: dict[str, list[TimingRecord]] = {}
    for entry in report.entries:
        records.setdefault(entry.environment, []).extend(filter(_readable, entry.timings))
    listed = []
    for environment, own in records.items():
        grouped: dict[tuple[str, int, str], list[Curve]] = {}
        for curve in scaling.curves(own):
            if len(curve.points) > 1:
                grouped.setdefault((curve.axis, curve.threads, curve.operands), []).append(curve)
        crossings = scaling.crossovers(own)
        for key, curves in grouped.items():
            curves.sort(key=lambda curve: (-curve.points[-1].value, curve.points[-1].seconds, curve.implementation))
            mine = [c for c in crossings if (c.axis, c.threads, c.operands) == key]
            listed.append(Sweep(environment, curves, sorted(mine, key=lambda c: c.value)))
    return listed


def _readable(record: TimingRecord) -> bool:
    """Whether a record is of a sweep that this version knows, with a problem that reads and times that are times."""
    axis = record.layers.removeprefix(sweeps.NAMED)
    if not scaling.is_sweep(record) or axis not in ALONG or not all(0 < s < math.inf for s in record.seconds):
        return False
    numbers = (record.ratio, record.low, record.high)
    try:
        Problem.parse(record.problem)
    except ProblemError:
        return False
    return record.threads > 0 and all(number is None or 0 < number < math.inf for number in numbers)


def draw(sweep: Sweep) -> Markup:
    """Seconds against the axis, a line an implementation; a ring where the fastest changes, a bar where that may be."""
    points = [point for curve in sweep.curves for point in curve.points]
    left, top, bottom = 72, 10, 300
    x = svg.Axis([point.value for point in points], left, svg.WIDTH - 20)
    y = svg.Axis([point.seconds for point in points], bottom, top)
    parts = [svg.vertical(x(tick), bottom, f"{tick:,.0f}") for tick in x.ticks]
    parts += [svg.horizontal(y(tick), left, formatting.seconds(tick)) for tick in y.ticks]
    for place, curve in enumerate(sweep.curves):
        steps = "L".join(f"{x(point.value):.1f} {y(point.seconds):.1f}" for point in curve.points)
        parts.append(svg.path(f"line {svg.series(place)}", f"M{steps}", formatting.line(curve.implementation)))
    for crossing in sweep.leads:
        height = y(sweep.height(crossing))
        told = formatting.line(sentence(crossing))
        parts.append(svg.path("cross", f"M{x(crossing.low):.1f} {height:.1f}H{x(crossing.high):.1f}", told))
        parts.append(svg.dot("ring", x(crossing.value), height, told))
    parts.append(svg.text((left + svg.WIDTH) / 2, bottom + 34, sweep.along))
    return svg.figure(f"Time against {sweep.axis}", bottom + 40, parts)


def sentence(crossing: Crossover) -> str:
    """``a is faster up to 23 (18 to 30), b from there on``."""
    place, low, high = (f"{value:,.3g}" for value in (crossing.value, crossing.low, crossing.high))
    return f"{crossing.below} is faster up to {place} (between {low} and {high}), {crossing.above} from there on"


def at(points: tuple[Point, ...], value: float) -> float:
    """The seconds at a value, along the line between its neighbours on logarithmic scales."""
    after = next((place for place, point in enumerate(points) if point.value >= value), len(points) - 1)
    one, other = points[max(after - 1, 0)], points[after]
    if one.value == other.value:
        return other.seconds
    share = math.log(value / one.value) / math.log(other.value / one.value)
    return float(one.seconds * (other.seconds / one.seconds) ** share)
