"""Timing records as tables: one race a layer set, environment, thread count and state of the cache."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from convgauge.layers import sweeps
from convgauge.race import standings as summary
from convgauge.report.model import Report
from convgauge.results import LimitRecord, TimingRecord
from convgauge.terms import RACE_VERDICTS, RANKED


@dataclass
class Layer:
    """One row of a race: a problem, how often it stands in its network, and who was timed on it."""

    problem: str
    label: str
    count: int
    flops: int
    least_bytes: int
    noise: float | None = None
    cells: dict[str, TimingRecord] = field(default_factory=dict)

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte when each operand is read once and the output written once."""
        return self.flops / self.least_bytes if self.least_bytes else None

    def seconds(self, name: str) -> float | None:
        """One implementation's time: the baseline's median times its ratio, so that it rests on paired samples.

        Its own median where the baseline was not timed; None where it isn't ranked.
        """
        return self._times.get(name)

    @cached_property
    def _times(self) -> dict[str, float]:
        base = next((median(t) for t in self.cells.values() if t.verdict == "baseline" and t.seconds), None)
        counted = ((name, timing) for name, timing in self.cells.items() if ranked(timing))
        return {name: base * t.ratio if base and t.ratio else median(t) for name, t in counted}

    @property
    def best(self) -> float | None:
        """Seconds of the fastest ranked implementation: one part of the virtual best."""
        return min(self._times.values(), default=None)

    @property
    def fastest(self) -> str:
        """Who that is; "" where nobody is ranked."""
        return min(self._times, key=self._times.__getitem__, default="")


@dataclass
class Standing:
    """One implementation over a race: the summary that the terminal prints too, and what it takes to set it beside
    the virtual best.

    ``regret`` is how far its time lies above the virtual best's, as a share, over the layers it covers; ``best_on``
    the layers it is fastest on; ``prepare`` the seconds of preparing the whole network; ``peak`` the most extra bytes;
    ``crowding`` the geometric mean of its time in the race ÷ its time alone.
    """

    sums: summary.Standing
    regret: float | None
    best_on: int
    prepare: float | None
    peak: int | None
    crowding: float | None

    @property
    def name(self) -> str:
        return self.sums.implementation

    @property
    def mean(self) -> float | None:
        return self.sums.mean_ratio

    @property
    def verdicts(self) -> list[tuple[str, int]]:
        """How many layers got each verdict, the good ones first."""
        return [(verdict, count) for verdict in RACE_VERDICTS if (count := self.sums.verdicts.get(verdict))]

    @property
    def covered(self) -> int:
        return self.sums.ranked

    @property
    def total(self) -> float | None:
        """Seconds of the whole network; None unless every layer is covered."""
        return self.sums.total_seconds if self.sums.complete else None


@dataclass
class Race:
    """All timings that are comparable."""

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
    def floors(self) -> list[float]:
        return [layer.noise for layer in self.layers if layer.noise is not None]

    @property
    def noise(self) -> float | None:
        """The median noise floor of its layers."""
        return statistics.median(floors) if (floors := self.floors) else None

    @property
    def names(self) -> list[str]:
        return [standing.name for standing in self.standings]

    @property
    def virtual_best(self) -> float | None:
        """Seconds of the whole network when each layer is run by whoever is fastest on it."""
        best = [layer.best for layer in self.layers]
        if None in best:
            return None
        return math.fsum((seconds or 0) * layer.count for seconds, layer in zip(best, self.layers, strict=True))

    @property
    def unranked(self) -> list[tuple[str, str, str, list[str]]]:
        """Implementation, verdict and reason of what has no ratio, each with its layers."""
        found: dict[tuple[str, str, str], list[str]] = {}
        for layer in self.layers:
            for t in layer.cells.values():
                if t.reason and not ranked(t):
                    found.setdefault((t.implementation, t.verdict, t.reason), []).append(layer.label)
        return [(*key, labels) for key, labels in sorted(found.items())]

    @property
    def sweep(self) -> bool:
        """Whether its layers are one problem that grows: no network, of which a total would tell."""
        return self.layers_name.startswith(sweeps.NAMED)

    @property
    def title(self) -> str:
        threads = f"{self.threads} thread{'s' if self.threads != 1 else ''}"
        parts = (self.layers_name or "layers", threads, f"{self.operands} operands", self.environment)
        return ", ".join(part for part in parts if part)


def ranked(timing: TimingRecord) -> bool:
    """Whether a timing counts: its answers were right, and it has samples."""
    return timing.verdict in RANKED and bool(timing.seconds)


def median(timing: TimingRecord) -> float:
    return statistics.median(timing.seconds)


def races(report: Report) -> list[Race]:
    """Every race of the report, the one with the most layers first, sweeps last.

    Of two timings of one thing the later holds.
    """
    grouped: dict[tuple[str, str, int, str], list[TimingRecord]] = {}
    for entry in report.entries:
        for timing in entry.timings:
            key = (entry.environment, timing.layers, timing.threads, timing.operands)
            grouped.setdefault(key, []).append(timing)
    found = [_race(key, timings, report.limits.get(key[0], [])) for key, timings in grouped.items()]
    found.sort(key=lambda race: (race.sweep, -len(race.layers), race.threads, race.environment))
    for number, race in enumerate(found, start=1):
        race.number = number
    return found


def _race(key: tuple[str, str, int, str], timings: Sequence[TimingRecord], limits: Sequence[LimitRecord]) -> Race:
    layers: dict[str, Layer] = {}
    for t in timings:
        made = Layer(t.problem, t.layer or t.problem, t.count, t.flops, t.least_bytes)
        layer = layers.setdefault(t.problem, made)
        layer.noise = t.noise if t.noise is not None else layer.noise
        layer.cells[t.implementation] = t
    order = _network_order(timings)
    rows = sorted(layers.values(), key=lambda layer: order[layer.problem])
    kept = [t for layer in rows for t in layer.cells.values() if t.verdict != "absent"]
    standings = [_standing(sums, rows) for sums in summary.standings(kept)]
    standings.sort(key=lambda s: (-s.covered, s.mean or math.inf, s.name))
    baseline = next((t.baseline for t in timings if t.baseline), "")
    measured = [limit for limit in limits if limit.threads == key[2]]
    return Race(*key, baseline, rows, standings, measured)


def _network_order(timings: Sequence[TimingRecord]) -> dict[str, int]:
    """Each problem's place, as the baseline met them, since one implementation may lack some."""
    order: dict[str, int] = {}
    for t in sorted(timings, key=lambda t: t.verdict != "baseline"):
        order.setdefault(t.problem, len(order))
    return order


def _standing(sums: summary.Standing, layers: Sequence[Layer]) -> Standing:
    name = sums.implementation
    met = [(layer, layer.cells[name], s) for layer in layers if (s := layer.seconds(name)) is not None]
    taken = math.fsum(s * layer.count for layer, _, s in met)
    best = math.fsum((layer.best or 0) * layer.count for layer, _, _ in met)
    prepares = [t.prepare_seconds * layer.count for layer, t, _ in met if t.prepare_seconds is not None]
    slowed = [math.log(median(t) / t.alone_seconds) for _, t, _ in met if t.alone_seconds and median(t) > 0]
    return Standing(
        sums=sums,
        regret=taken / best - 1 if best else None,
        best_on=sum(s <= (layer.best or 0) for layer, _, s in met),
        prepare=math.fsum(prepares) if prepares else None,
        peak=max((t.peak_bytes for _, t, _ in met if t.peak_bytes is not None), default=None),
        crowding=math.exp(math.fsum(slowed) / len(slowed)) if slowed else None,
    )
