"""The whole benchmark: every layer of a set, every thread count, one race after the other."""

from __future__ import annotations

import difflib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from rich.console import Console

from convgauge.environment import cores
from convgauge.layers.sets import Layer, LayerSet, load
from convgauge.race import BenchError, peaks, table
from convgauge.race import statistics as stats
from convgauge.race.contestant import Contestant
from convgauge.race.entrant import Entrant
from convgauge.race.race import Race, Unfit
from convgauge.registry import Origin, TargetError, known, resolve
from convgauge.results import TimingRecord, Writer
from convgauge.terms import RANKED

SECONDS_PER_LAYER = 10.0
LARGEST_BUDGET = 212.0
"""The default budget, seconds for each thread count: so much for a layer, so much in all at most."""


@dataclass
class Bench:
    """One run of ``convgauge bench``; see `convgauge.race.bench` for the arguments."""

    origins: list[Origin]
    baseline: str
    layers: str
    budget: float | None
    threads: list[int]
    seed: int
    writer: Writer | None
    console: Console
    operands: str = "hot"
    explain: bool = False
    records: list[TimingRecord] = field(default_factory=list)

    def run(self) -> int:
        """Race everybody on every layer; the exit status. Raises `BenchError`."""
        layer_set = load(self.layers)
        self.threads = list(layer_set.threads) or self.threads
        self._check_usage()
        origins = self._with_baseline()
        budget = self.budget if self.budget is not None else default_budget(len(layer_set.layers))
        for threads in self.threads:
            self._run_with(threads, origins, layer_set, budget if self.budget is None else budget / len(self.threads))
        table.print_standings(self.console, self.records, layer_set)
        table.print_scaling(self.console, self.records)
        verdicts = {record.verdict for record in self.records}
        if verdicts & {"wrong", "failed"}:
            return 1
        return 0 if verdicts & set(RANKED) else 5

    def _check_usage(self) -> None:
        if self.budget is not None and not self.budget > 0:
            raise BenchError(f"budget = {self.budget:g} s: there must be some time to race in")
        if self.operands not in ("hot", "cold"):
            raise BenchError(f"operands = {self.operands!r} is neither 'hot' nor 'cold'")
        if not self.threads:
            raise BenchError("no thread count was given")
        for threads in self.threads:
            if not 1 <= threads <= cores():
                raise BenchError(f"threads = {threads}: this process may use {cores()} cores, so from 1 to {cores()}")

    def _with_baseline(self) -> list[Origin]:
        """The contestants' origins, each once, the baseline first."""
        named = {origin.name: origin for origin in self.origins}
        if self.baseline not in named:
            try:
                found = resolve(self.baseline)
            except TargetError:
                near = difflib.get_close_matches(self.baseline, [*named, *known()], n=3, cutoff=0.4)
                hint = f"; did you mean {' or '.join(near)}?" if near else ""
                raise BenchError(
                    f"baseline {self.baseline!r} is neither among the targets nor registered{hint}"
                ) from None
            if len(found) != 1:
                raise BenchError(f"baseline {self.baseline!r} declares {len(found)} implementations; name one")
            self.baseline = found[0].name
            named.setdefault(self.baseline, found[0])
        first = named.pop(self.baseline)
        return [first, *named.values()]

    def _run_with(self, threads: int, origins: list[Origin], layer_set: LayerSet, budget: float) -> None:
        self.pool = ThreadPoolExecutor(cores())
        self.noises: list[float] = []
        contestants = [Contestant(origin.name, origin, threads, self.seed) for origin in origins]
        contestants.insert(1, Contestant(f"{self.baseline} (control)", origins[0], threads, self.seed, control=True))
        try:
            with self.console.status(f"starting {len(contestants)} processes"):
                for contestant in contestants:
                    contestant.launch()
                for contestant in contestants:
                    contestant.greet()
            baseline = contestants[0]
            if baseline.absent:
                raise BenchError(f"baseline {self.baseline} cannot be run: {baseline.absent}")
            self._calibrate(contestants)
            self._measure_limits(baseline, layer_set)
            clock = Budget(budget, len(layer_set.layers))
            for place, layer in enumerate(layer_set.layers, start=1):
                heading = f"[{place}/{len(layer_set.layers)}] {layer.name or layer.problem}"
                with self.console.status(heading):
                    records = self._race(contestants, layer, layer_set, clock)
                self._keep(records)
                table.print_race(self.console, heading, layer, records)
                if self.explain:
                    table.print_explanations(self.console, explanations(contestants, layer))
        finally:
            for contestant in contestants:
                contestant.close()
            self.pool.shutdown()

    def _calibrate(self, contestants: list[Contestant]) -> None:
        for contestant in contestants:
            with self.console.status(f"{contestant.label} learns about this machine"):
                seconds = contestant.calibrate()
            if seconds > 1:
                self.console.print(f"{contestant.label}: {seconds:.1f} s to learn about this machine", highlight=False)

    def _measure_limits(self, baseline: Contestant, layer_set: LayerSet) -> None:
        dtypes = list(dict.fromkeys(layer.problem.dtype for layer in layer_set.layers))
        found = peaks.measure(baseline, dtypes)
        for record in found:
            if self.writer is not None:
                self.writer.write(record)
        table.print_limits(self.console, found)

    def _race(
        self, contestants: list[Contestant], layer: Layer, layer_set: LayerSet, clock: Budget
    ) -> list[TimingRecord]:
        if clock.spent:
            return [
                unraced(contestant, self.baseline, layer, layer_set)
                for contestant in contestants
                if not contestant.control
            ]
        cold, floor = self.operands == "cold", stats.pooled_floor(self.noises)
        race = Race(contestants, layer.problem, clock.share(), self.seed, self.pool, cores(), cold, floor)
        try:
            race.run()
            if race.noise is not None:
                self.noises.append(race.noise)
        except Unfit as unfit:
            raise BenchError(f"{layer_set.name} {layer.name} {layer.problem}: {unfit}") from None
        return [record(race, entry, layer, layer_set) for entry in race.entrants if entry is not race.control]

    def _keep(self, records: list[TimingRecord]) -> None:
        self.records += records
        for record in records:
            if self.writer is not None:
                self.writer.write(record)


def explanations(contestants: list[Contestant], layer: Layer) -> dict[str, str]:
    """What contestants say that they did on a layer, and why; only those that say something."""
    said = {one.label: one.explanation(layer.problem) for one in contestants if not one.control}
    return {label: text for label, text in said.items() if text}


def default_budget(layers: int) -> float:
    """Seconds for one thread count where none were asked for."""
    return min(LARGEST_BUDGET, SECONDS_PER_LAYER * layers)


class Budget:
    """Shares seconds out evenly over the races still to come; what one leaves over the others get."""

    def __init__(self, seconds: float, races: int) -> None:
        self.end = time.monotonic() + seconds
        self.left = races

    @property
    def spent(self) -> bool:
        """Whether there is no time left."""
        return time.monotonic() >= self.end

    def share(self) -> float:
        """Seconds for the next race; 0 when all are spent."""
        share = max(0.0, self.end - time.monotonic()) / max(1, self.left)
        self.left -= 1
        return share


def unraced(contestant: Contestant, baseline: str, layer: Layer, layer_set: LayerSet) -> TimingRecord:
    """The record of a contestant on a layer that the budget did not reach."""
    return TimingRecord(
        implementation=contestant.label,
        problem=layer.problem.text,
        seconds=[],
        ratio=None,
        low=None,
        high=None,
        verdict="undecided",
        baseline=baseline,
        prepare_seconds=None,
        peak_bytes=None,
        flops=layer.problem.flops,
        layers=layer_set.name,
        layer=layer.name,
        count=layer.count,
        threads=contestant.threads,
        reason="the budget was spent before this layer's turn came",
        algorithm=contestant.algorithm,
        least_bytes=layer.problem.least_bytes,
    )


def record(race: Race, entry: Entrant, layer: Layer, layer_set: LayerSet) -> TimingRecord:
    """What the run keeps of one entry. One that was not ranked has neither samples nor a ratio."""
    problem = layer.problem
    assert entry.verdict is not None
    ranked = entry.verdict in RANKED and bool(entry.seconds)
    ratio = entry.ratio if ranked else None
    return TimingRecord(
        implementation=entry.contestant.label,
        problem=problem.text,
        seconds=entry.seconds if ranked else [],
        ratio=ratio.value if ratio else None,
        low=ratio.low if ratio else None,
        high=ratio.high if ratio else None,
        verdict=entry.verdict,
        baseline=race.baseline.contestant.label,
        prepare_seconds=entry.prepare_seconds,
        peak_bytes=entry.peak_bytes,
        flops=problem.flops,
        layers=layer_set.name,
        layer=layer.name,
        count=layer.count,
        noise=race.noise,
        threads=entry.contestant.threads,
        iterations=entry.iterations,
        reason=entry.reason,
        algorithm=entry.contestant.algorithm,
        alone_seconds=entry.alone_seconds,
        operands="cold" if race.cold else "hot",
        least_bytes=problem.least_bytes,
        busy=race.busy,
        control_seconds=race.control.seconds if entry is race.baseline else [],
    )
