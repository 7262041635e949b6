"""The whole benchmark: every layer of a set, every thread count, one race after the other."""

from __future__ import annotations

import difflib
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec
from rich.console import Console

from convgauge.domain import domain_of
from convgauge.environment import cores
from convgauge.layers import BenchError
from convgauge.layers.sets import Layer, LayerSet, load
from convgauge.race import peaks, table
from convgauge.race.contestant import Contestant, Withdrawn
from convgauge.race.entrant import Entrant
from convgauge.race.floors import Floors
from convgauge.race.race import BaselineFailed, Race
from convgauge.race.regressions import regressions, summary
from convgauge.race.variances import VariancePool
from convgauge.race.workload import Workload
from convgauge.registry import Origin, TargetError, known, require_distinct, resolve
from convgauge.request import BenchRequest
from convgauge.results import TimingRecord, Writer
from convgauge.terms import RANKED, Direction, ExitStatus

SECONDS_PER_LAYER = 20.0
MAX_BUDGET_S = 212.0
"""The default budget for each thread count: seconds per layer, and the most seconds for all layers."""


@dataclass
class Benchmark:
    """One run of ``convgauge bench`` on targets that have been found; records go to ``writer`` as they are known."""

    request: BenchRequest
    origins: list[Origin]
    console: Console
    writer: Writer | None = None
    against: Origin | None = None
    records: list[TimingRecord] = field(default_factory=list)
    variances: VariancePool = field(default_factory=VariancePool)
    floors: Floors = field(default_factory=Floors)

    def run(self) -> int:
        """Race all implementations on every layer; return the exit status. Raises `BenchError`."""
        layer_set = load(self.request.layers)
        _require_gradients(layer_set, self.request.direction)
        thread_counts = layer_set.threads or self.request.threads
        _require_cores(thread_counts)
        origins = self._with_baseline()
        budget_s = self.request.budget_s
        for threads in thread_counts:
            share_s = default_budget(len(layer_set.layers)) if budget_s is None else budget_s / len(thread_counts)
            self._run_with(threads, origins, layer_set, share_s)
        table.print_standings(self.console, self.records, layer_set)
        table.print_scaling(self.console, self.records)
        verdicts, margin = {record.verdict for record in self.records}, self.request.margin / 100
        if self.against is not None:
            self.console.print(f"\n{summary(self.records, margin)}", highlight=False, soft_wrap=True)
        if verdicts & {"wrong", "failed"} or (self.against and regressions(self.records, margin)):
            return ExitStatus.NOT_REACHED
        return ExitStatus.REACHED if verdicts & set(RANKED) else ExitStatus.NOTHING_EXECUTED

    def _with_baseline(self) -> list[Origin]:
        """Return each contestant's origin once, the baseline first. Raises `BenchError`."""
        if self.against is not None:
            return [self.against, *self.origins]
        by_name = {origin.name: origin for origin in self.origins}
        baseline = by_name.get(self.request.baseline) or self._find_baseline(by_name)
        first = by_name.pop(baseline.name, baseline)  # as a target, it may have a framework
        try:
            require_distinct(first, baseline)
        except TargetError as error:
            raise BenchError(str(error)) from None
        return [first, *by_name.values()]

    def _find_baseline(self, targets: Collection[str]) -> Origin:
        """Return the origin of a baseline that is not among the targets. Raises `BenchError`."""
        name = self.request.baseline
        try:
            origins = resolve(name, self.request.framework)
        except TargetError as error:
            if not name.isidentifier():  # a file, a module, or a name that is given to one
                raise BenchError(f"baseline: {error}") from None
            near = difflib.get_close_matches(name, {*targets, *known()}, n=3, cutoff=0.4)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise BenchError(f"baseline {name!r} is neither among the targets nor registered{hint}") from None
        if len(origins) != 1:
            raise BenchError(f"baseline {name!r} declares {len(origins)} implementations; name one of them")
        return origins[0]

    def _run_with(self, threads: int, origins: list[Origin], layer_set: LayerSet, budget_s: float) -> None:
        """Race with one number of threads: start the processes, and race layer by layer."""
        self.pool = ThreadPoolExecutor(cores())
        self.variances, self.floors = VariancePool(), Floors()
        seed = self.request.seed
        contestants = [Contestant(origin.name, origin, threads, seed) for origin in origins]
        contestants.insert(1, Contestant(f"{origins[0].name} (control)", origins[0], threads, seed, control=True))
        for contestant in contestants[2:]:  # the baseline is needed on every layer
            contestant.supports, contestant.refusals = domain_of(self.request.supports), self.request.refusals
        for contestant in contestants:
            contestant.explains = self.request.explain
        try:
            with self.console.status(f"starting {len(contestants)} processes"):
                dtypes = {layer.problem.dtype for layer in layer_set.layers}
                for contestant in contestants:
                    contestant.launch(dtypes)
                for contestant in contestants:
                    contestant.wait_ready()
            baseline = contestants[0]
            if baseline.absent:
                raise BenchError(f"baseline {baseline.label} cannot be run: {baseline.absent}")
            self._calibrate(contestants)
            self._measure_limits(baseline, layer_set)
            budget = Budget(budget_s, len(layer_set.layers))
            for number, layer in enumerate(layer_set.layers, start=1):
                heading = f"[{number}/{len(layer_set.layers)}] {layer.name or layer.problem}"
                with self.console.status(heading):
                    records, explanations = self._race(contestants, layer, layer_set, budget)
                self._keep(records)
                table.print_race(self.console, heading, layer, records)
                table.print_explanations(self.console, explanations)
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
        try:
            baseline.begin_life(0)
            limits = peaks.measure(baseline, dtypes)
        except Withdrawn as withdrawn:
            raise BenchError(f"baseline {baseline.label} cannot be run: {withdrawn}") from None
        finally:
            baseline.end_life()
        self.floors = Floors.of(limits)
        for limit in limits:
            if self.writer is not None:
                self.writer.write(limit)
        table.print_limits(self.console, limits)

    def _race(
        self, contestants: list[Contestant], layer: Layer, layer_set: LayerSet, budget: Budget
    ) -> tuple[list[TimingRecord], dict[str, str]]:
        """Return the records of the race on one layer, and by label the explanations of choices that contestants made.

        Raises `BenchError` if the baseline cannot be timed on it.
        """
        if budget.is_spent:
            baseline, *others = [contestant for contestant in contestants if not contestant.control]
            return [unraced(each, baseline.label, layer, layer_set) for each in (baseline, *others)], {}
        is_cold, share_s = self.request.operands == "cold", budget.share()
        race = Race(
            contestants, Workload(layer.problem, self.request.direction), share_s, self.request.seed, self.pool,
            cores(), is_cold, self.variances, self.floors,
        )  # fmt: skip
        try:
            race.run()
        except BaselineFailed as failure:
            raise BenchError(f"{layer_set.name} {layer.name} {layer.problem}: {failure}") from None
        entrants = [entrant for entrant in race.entrants if entrant is not race.control]
        explanations = {entrant.contestant.label: entrant.explanation for entrant in entrants if entrant.explanation}
        return [record(race, entrant, layer, layer_set) for entrant in entrants], explanations

    def _keep(self, records: list[TimingRecord]) -> None:
        self.records += records
        for record in records:
            if self.writer is not None:
                self.writer.write(record)


def _require_gradients(layer_set: LayerSet, direction: Direction) -> None:
    for layer in layer_set.layers:
        work = Workload(layer.problem, direction)
        if work.wanted and work.is_integer:
            raise BenchError(f"direction {direction}: {layer.problem} has integers, which have no gradients")


def _require_cores(thread_counts: Sequence[int]) -> None:
    for threads in thread_counts:
        if threads > cores():
            raise BenchError(f"threads = {threads}: this process may use {cores()} cores, so from 1 to {cores()}")


def default_budget(layers: int) -> float:
    """Return the seconds for one thread count if no budget was given."""
    return min(MAX_BUDGET_S, SECONDS_PER_LAYER * layers)


class Budget:
    """Seconds that are shared evenly by the remaining races; a race leaves what it does not use to the later ones."""

    def __init__(self, seconds: float, races: int) -> None:
        self.end = time.monotonic() + seconds
        self.remaining = races

    @property
    def is_spent(self) -> bool:
        """True if there is no time left."""
        return time.monotonic() >= self.end

    def share(self) -> float:
        """Return the seconds for the next race; 0 if all are spent."""
        share = max(0.0, self.end - time.monotonic()) / max(1, self.remaining)
        self.remaining -= 1
        return share


def unraced(contestant: Contestant, baseline: str, layer: Layer, layer_set: LayerSet) -> TimingRecord:
    """Return the record of a contestant on a layer that the budget did not reach."""
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
        target=contestant.target,
    )


def record(race: Race, entry: Entrant, layer: Layer, layer_set: LayerSet) -> TimingRecord:
    """Return the record of one entry; it has neither samples nor a ratio if its output is not known to be right."""
    assert entry.verdict is not None
    ranked = entry.verdict in (*RANKED, "other_precision") and bool(entry.seconds)
    ratio = entry.ratio if ranked else None
    return msgspec.structs.replace(
        unraced(entry.contestant, race.baseline.contestant.label, layer, layer_set),
        seconds=entry.seconds if ranked else [],
        ratio=ratio.value if ratio else None,
        low=ratio.low if ratio else None,
        high=ratio.high if ratio else None,
        verdict=entry.verdict,
        prepare_seconds=entry.prepare_seconds,
        peak_bytes=entry.peak_bytes,
        noise=race.noise,
        flops=race.work.flops,
        direction=race.work.direction,
        lane=entry.lane.name,
        precision=entry.precision if entry.check_seconds else None,
        lives=[len(life) for life in entry.lives] if ranked else [],
        between=ratio.between if ratio else None,
        sampling=ratio.sampling if ratio else None,
        iterations=entry.iterations,
        reason=entry.reason,
        alone_seconds=entry.alone_seconds,
        operands="cold" if race.cold else "hot",
        busy=race.busy,
        control_seconds=race.control.seconds if entry is race.baseline else [],
        control_lives=[len(life) for life in race.control.lives] if entry is race.baseline else [],
    )
