"""Timing records as tables: one race a layer set, environment and thread count."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from convgauge.report.model import Report
from convgauge.results import LimitRecord, TimingRecord

RANKED = ("baseline", "faster", "same", "slower", "undecided")
"""The verdicts of an implementation whose answers were right before and after it was timed."""


@dataclass
class Layer:
    """One row of a race: a problem, how often it stands in its network, and who was timed on it."""

    problem: str
    label: str
    count: int
    flops: int
    least_bytes: int
    noise: float | None
    cells: dict[str, TimingRecord] = field(default_factory=dict)

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte when each operand is read once and the output written once."""
        return self.flops / self.least_bytes if self.least_bytes else None

    @property
    def best(self) -> float | None:
        """Seconds of the fastest ranked implementation: one part of the virtual best."""
        return min((median(t) for t in self.cells.values() if ranked(t)), default=None)


@dataclass
class Standing:
    """One implementation's sums over a race.

    ``mean`` is the geometric mean of its ratios over ``covered`` layers; ``total`` the seconds of the whole network,
    each layer as often as it stands there, None unless every layer is covered. ``regret`` is what its total, over the
    layers it covers, lies above the virtual best's.
    """

    name: str
    mean: float | None
    covered: int
    total: float | None
    regret: float | None
    best_on: int
    verdicts: Counter[str]
    prepare: float | None
    peak: int | None


@dataclass
class Race:
    """All timings that are comparable: one environment, layer set, thread count and state of the cache."""

    environment: str
    layers_name: str
    threads: int
    operands: str
    baseline: str
    layers: list[Layer]
    standings: list[Standing]
    limits: list[LimitRecord]
    number: int = 0

    @property
    def noise(self) -> float | None:
        """The median noise floor of its layers."""
        return statistics.median(floors) if (floors := self.floors) else None

    @property
    def floors(self) -> list[float]:
        return [layer.noise for layer in self.layers if layer.noise is not None]

    @property
    def names(self) -> list[str]:
        return [standing.name for standing in self.standings]

    @property
    def virtual_best(self) -> float | None:
        """Seconds of the whole network when each layer is run by whoever is fastest on it."""
        bests = [(layer.best, layer.count) for layer in self.layers]
        return sum(best * count for best, count in bests if best is not None) if all(b for b, _ in bests) else None

    @property
    def title(self) -> str:
        parts = [
            self.layers_name or "layers",
            f"{self.threads} thread{'s' if self.threads != 1 else ''}",
            self.operands,
        ]
        return ", ".join([*parts, self.environment] if self.environment else parts)


def ranked(timing: TimingRecord) -> bool:
    """Whether a timing counts: its answers were right, and it has samples."""
    return timing.verdict in RANKED and bool(timing.seconds)


def ratio(timing: TimingRecord) -> float | None:
    """Time divided by the baseline's; the baseline's own is 1."""
    return 1.0 if timing.verdict == "baseline" else timing.ratio


def median(timing: TimingRecord) -> float:
    return statistics.median(timing.seconds)


def geometric_mean(ratios: Iterable[float]) -> float | None:
    """None where there is nothing to average, or a ratio isn't positive."""
    values = list(ratios)
    if not values or min(values) <= 0:
        return None
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def races(report: Report) -> list[Race]:
    """Every race of the report, in the order of the runs. Of two timings of one thing the later holds."""
    grouped: dict[tuple[str, str, int, str], list[TimingRecord]] = {}
    for entry in report.entries:
        for timing in entry.timings:
            key = (entry.environment, timing.layers, timing.threads, timing.operands)
            grouped.setdefault(key, []).append(timing)
    found = [_race(key, timings, report.limits.get(key[0], [])) for key, timings in grouped.items()]
    found.sort(key=lambda race: -len(race.layers))
    for number, race in enumerate(found, start=1):
        race.number = number
    return found


def _race(key: tuple[str, str, int, str], timings: Sequence[TimingRecord], limits: Sequence[LimitRecord]) -> Race:
    layers: dict[str, Layer] = {}
    for t in timings:
        layer = layers.setdefault(
            t.problem, Layer(t.problem, t.layer or t.problem, t.count, t.flops, t.least_bytes, t.noise)
        )
        layer.noise = t.noise if layer.noise is None else layer.noise
        layer.cells[t.implementation] = t
    rows = list(layers.values())
    names = list(dict.fromkeys(t.implementation for t in timings if t.verdict != "absent"))
    standings = sorted(
        (_standing(name, rows) for name in names), key=lambda s: (-s.covered, s.mean or math.inf, s.name)
    )
    baseline = next((t.baseline for t in timings if t.baseline), "")
    return Race(*key, baseline, rows, standings, [one for one in limits if one.threads == key[2]] or list(limits))


def _standing(name: str, layers: Sequence[Layer]) -> Standing:
    met = [(layer, layer.cells[name]) for layer in layers if name in layer.cells]
    counted = [(layer, t) for layer, t in met if ranked(t) and ratio(t) is not None]
    total = math.fsum(median(t) * layer.count for layer, t in counted)
    best = math.fsum((layer.best or 0) * layer.count for layer, _ in counted)
    prepares = [t.prepare_seconds * layer.count for layer, t in counted if t.prepare_seconds is not None]
    return Standing(
        name=name,
        mean=geometric_mean(r for _, t in counted if (r := ratio(t)) is not None),
        covered=len(counted),
        total=total if counted and len(counted) == len(layers) else None,
        regret=total / best - 1 if best else None,
        best_on=sum(median(t) <= (layer.best or 0) for layer, t in counted),
        verdicts=Counter(t.verdict for _, t in met),
        prepare=math.fsum(prepares) if prepares else None,
        peak=max((t.peak_bytes for _, t in counted if t.peak_bytes is not None), default=None),
    )
