"""Timing records as tables: one race per layer set, environment, thread count and state of the cache."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from convgauge.layers import sweeps
from convgauge.race.standings import Standing, standings
from convgauge.report import formatting
from convgauge.report.model import Report
from convgauge.results import LimitRecord, TimingRecord
from convgauge.terms import RACE_VERDICTS, RANKED, Direction

RaceKey = tuple[str, str, int, str, Direction]
"""Environment, layer set, threads, state of the cache and direction of a race."""


@dataclass
class LayerRow:
    """One row of a race: a problem, its number of occurrences in the network, and the timings by implementation."""

    problem: str
    label: str
    count: int
    flops: int
    least_bytes: int
    noise: float | None = None
    cells: dict[str, TimingRecord] = field(default_factory=dict)

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte if each operand is read once and the output is written once."""
        return self.flops / self.least_bytes if self.least_bytes else None

    def seconds(self, name: str) -> float | None:
        """Return an implementation's time, or None if it is not ranked.

        It is the baseline's median times the ratio, and so rests on paired samples; without a timing of the baseline,
        it is the implementation's own median.
        """
        return self._times.get(name)

    @cached_property
    def _times(self) -> dict[str, float]:
        base = next((median(t) for t in self.cells.values() if t.verdict == "baseline" and t.seconds), None)
        timings = ((name, timing) for name, timing in self.cells.items() if ranked(timing))
        return {name: base * t.ratio if base and t.ratio else median(t) for name, t in timings}

    @property
    def best(self) -> float | None:
        """Seconds of the fastest ranked implementation: a part of the virtual best."""
        return min(self._times.values(), default=None)

    @property
    def fastest(self) -> str:
        """Name of the fastest ranked implementation; "" if none is ranked."""
        return min(self._times, key=self._times.__getitem__, default="")


@dataclass(frozen=True)
class StandingRow(Standing):
    """One implementation over a race: the summary that the terminal prints, and a comparison with the virtual best.

    - ``regret``: share by which its time is above that of the virtual best, over the layers that it covers.
    - ``best_on``: number of layers on which it is the fastest.
    - ``prepare``: seconds of preparing the whole network; ``peak``: largest number of extra bytes of a call.
    - ``crowding``: geometric mean of its time in the race ÷ its time alone.
    """

    regret: float | None = None
    best_on: int = 0
    prepare: float | None = None
    peak: int | None = None
    crowding: float | None = None

    @property
    def verdict_counts(self) -> list[tuple[str, int]]:
        """Number of layers with each verdict, from the best verdict to the worst."""
        return [(verdict, count) for verdict in RACE_VERDICTS if (count := self.verdicts.get(verdict))]

    @property
    def total(self) -> float | None:
        """Seconds of the whole network, or None if a layer is not covered."""
        return self.total_seconds if self.complete else None


@dataclass
class RaceTable:
    """All timings that are comparable."""

    environment: str
    layers_name: str
    threads: int
    operands: str
    direction: Direction
    baseline: str
    layers: list[LayerRow]
    standings: list[StandingRow]
    limits: list[LimitRecord]
    number: int = 0

    @property
    def floors(self) -> list[float]:
        """Noise floors of its layers."""
        return [layer.noise for layer in self.layers if layer.noise is not None]

    @property
    def noise(self) -> float | None:
        """Median noise floor of its layers."""
        return statistics.median(floors) if (floors := self.floors) else None

    @property
    def names(self) -> list[str]:
        """Names of the implementations, in the order of the standings."""
        return [standing.implementation for standing in self.standings]

    @property
    def virtual_best(self) -> float | None:
        """Seconds of the whole network if the fastest implementation runs each layer."""
        best = [layer.best for layer in self.layers]
        if None in best:
            return None
        return math.fsum((seconds or 0) * layer.count for seconds, layer in zip(best, self.layers, strict=True))

    @property
    def unranked(self) -> list[tuple[str, str, str, list[str]]]:
        """Implementation, verdict and reason of timings without a ratio, each with its layers."""
        labels: dict[tuple[str, str, str], list[str]] = {}
        for layer in self.layers:
            for t in layer.cells.values():
                if t.reason and not ranked(t):
                    labels.setdefault((t.implementation, t.verdict, t.reason), []).append(layer.label)
        return [(*key, layers) for key, layers in sorted(labels.items())]

    @property
    def is_sweep(self) -> bool:
        """True if its layers are one problem that grows, of which a total has no meaning."""
        return self.layers_name.startswith(sweeps.NAMED)

    @property
    def title(self) -> str:
        """Layer set, threads, state of the cache and environment."""
        threads = formatting.plural(self.threads, "thread")
        direction = "" if self.direction == "forward" else self.direction
        parts = (self.layers_name or "layers", direction, threads, f"{self.operands} operands", self.environment)
        return ", ".join(part for part in parts if part)


def ranked(timing: TimingRecord) -> bool:
    """Return True if a timing counts: its outputs were correct, and it has samples."""
    return timing.verdict in RANKED and bool(timing.seconds)


def median(timing: TimingRecord) -> float:
    """Return the median sample in seconds."""
    return statistics.median(timing.seconds)


def race_tables(report: Report) -> list[RaceTable]:
    """Return every race, the one with the most layers first and sweeps last.

    Of two timings of one implementation on one problem, the later one counts.
    """
    grouped: dict[RaceKey, list[TimingRecord]] = {}
    for entry in report.entries:
        for timing in entry.timings:
            key = (entry.environment, timing.layers, timing.threads, timing.operands, timing.direction)
            grouped.setdefault(key, []).append(timing)
    races = [_race(key, timings, report.limits.get(key[0], [])) for key, timings in grouped.items()]
    races.sort(key=lambda race: (race.is_sweep, -len(race.layers), race.threads, race.environment))
    for number, race in enumerate(races, start=1):
        race.number = number
    return races


def overall_standings(races: Sequence[RaceTable]) -> dict[tuple[str, str], tuple[RaceTable, StandingRow]]:
    """Return by environment and implementation the standing in the race with the most layers, and that race."""
    return {(race.environment, s.implementation): (race, s) for race in reversed(races) for s in race.standings}


def _race(key: RaceKey, timings: Sequence[TimingRecord], limits: Sequence[LimitRecord]) -> RaceTable:
    layers: dict[str, LayerRow] = {}
    for t in sorted(timings, key=lambda t: t.verdict != "baseline"):  # the others may lack layers
        layers.setdefault(t.problem, LayerRow(t.problem, t.layer or t.problem, t.count, t.flops, t.least_bytes))
    for t in timings:
        layer = layers[t.problem]
        layer.noise = t.noise if t.noise is not None else layer.noise
        layer.cells[t.implementation] = t
    rows = list(layers.values())
    present = [t for layer in rows for t in layer.cells.values() if t.verdict != "absent"]
    standing_rows = [_standing(sums, rows) for sums in standings(present)]
    standing_rows.sort(key=lambda s: (-s.ranked, s.mean_ratio or math.inf, s.implementation))
    baseline = next((t.baseline for t in timings if t.baseline), "")
    return RaceTable(*key, baseline, rows, standing_rows, [limit for limit in limits if limit.threads == key[2]])


def _standing(sums: Standing, layers: Sequence[LayerRow]) -> StandingRow:
    name = sums.implementation
    covered = [(layer, layer.cells[name], s) for layer in layers if (s := layer.seconds(name)) is not None]
    total = math.fsum(s * layer.count for layer, _, s in covered)
    best = math.fsum((layer.best or 0) * layer.count for layer, _, _ in covered)
    prepares = [t.prepare_seconds * layer.count for layer, t, _ in covered if t.prepare_seconds is not None]
    slowdowns = [math.log(median(t) / t.alone_seconds) for _, t, _ in covered if t.alone_seconds and median(t) > 0]
    return StandingRow(
        **vars(sums),
        regret=total / best - 1 if best else None,
        best_on=sum(s <= (layer.best or 0) for layer, _, s in covered),
        prepare=math.fsum(prepares) if prepares else None,
        peak=max((t.peak_bytes for _, t, _ in covered if t.peak_bytes is not None), default=None),
        crowding=math.exp(math.fsum(slowdowns) / len(slowdowns)) if slowdowns else None,
    )
