"""One race: all contestants on one problem, checked, timed in rounds, checked again."""

from __future__ import annotations

import math
import statistics as middle
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from convgauge.problem import Problem
from convgauge.race import schedule
from convgauge.race import statistics as stats
from convgauge.race.clock_audit import TICKS, Account, Clocks
from convgauge.race.contestant import CALL_TIMEOUT, Contestant, Out, Request
from convgauge.race.scaled_down import part_of
from convgauge.race.verification import Case, Verification, flipped, places
from convgauge.reference.operands import Operands, draw
from convgauge.terms import RaceVerdict
from convgauge.worker import protocol
from convgauge.worker.operand_set import turn
from convgauge.worker.timing import run_in

SAMPLE = 0.005
"""Seconds that a sample of the baseline should take: time for caches and clock to settle after the one before."""

LONG_SAMPLE = 0.010
"""Seconds above which a sample of a slower contestant is made of fewer calls, down to one."""

PATIENCE = 1 / 30
"""Part of a race's seconds that one call may take at most: checks, warm-up and the fewest rounds are a dozen calls."""

FEW_ROUNDS = 4
"""Rounds of a contestant so slow that its fair share of the time has no room for more; see `stats.rank_interval`."""

UNTIMED_SHARE = 0.4
"""Part of a race's processor seconds that preparing and checking may take; the slowest leave until it suffices."""

CHECKS = 6
"""How many times the last check's seconds are spent on a contestant in all: three checks, two operand sets, memory."""

LEAST_ROUNDS = 0.5
"""Part of a race's seconds that its rounds get even when checks took long; later races have less then."""

WARM_UP = 0.15
"""Seconds of warm-up at most; one call is always made."""

ALONE = 3
"""Samples taken in a row, without the others in between, for the control that the race itself slows nobody down."""

ALONE_DIFFERS = 1.5
"""By what factor race and solitude may differ in a contestant, the baseline's own factor divided out."""

MOVING = 0.1
"""Part of the rounds' time that moving operands may take."""

HOT_SETS = 2
"""Operand sets that calls alternate between, so that no call repeats the one before."""

COLD_SETS = 64
"""Cold operands: as many sets as take twice the largest cache, but no more than this."""

PROBE = 2.0
"""Seconds that trying a part of a problem may take."""

PROBE_FLOPS = 2_000_000
"""Size of the first part of a problem that shows whether the whole would take too long: 0.2 s in Python's loops."""

IDLE = 3
"""Samples without calls, whose median says what a sample takes beside them."""

HOPELESS = 8
"""By what factor a call may outlast the patience, as predicted from earlier problems, before no part of it is tried."""


class Unfit(Exception):
    """The baseline cannot be a baseline on this problem."""


@dataclass
class Entry:
    """A contestant in one race: what was measured, and as what it left, if it did. All times in seconds."""

    contestant: Contestant
    verdict: RaceVerdict | None = None
    reason: str = ""
    seconds: list[float] = field(default_factory=list)
    iterations: int = 1
    check_seconds: float = 0.0
    call_seconds: float = 0.0
    rounds: int | None = None
    last_tick: int = 0
    prepare_seconds: float | None = None
    peak_bytes: int | None = None
    alone_seconds: float | None = None
    settled: bool = False
    ratio: stats.Ratio | None = None
    clocks: Clocks | None = None
    account: Account = field(default_factory=Account)

    @property
    def running(self) -> bool:
        """Whether it takes part in the next round."""
        return not self.verdict and not self.settled and (self.rounds is None or len(self.seconds) < self.rounds)

    def attempt(self, step: Callable[[Entry], object]) -> None:
        """Take a step, unless it has left; leaving in it is noted."""
        if self.verdict:
            return
        try:
            step(self)
        except Out as out:
            self.verdict, self.reason = out.verdict, str(out)


class Race:
    """One problem, all contestants: the baseline first, its control second. ``share`` is in seconds.

    ``floor`` is the noise floor that earlier races' controls give together (`stats.pooled_floor`).
    What is not timed is done for ``workers`` contestants at once, in the threads of ``pool``.
    """

    def __init__(
        self,
        contestants: list[Contestant],
        problem: Problem,
        share: float,
        seed: int,
        pool: Executor,
        workers: int = 1,
        cold: bool = False,
        floor: float = 0.0,
    ) -> None:
        self.pool, self.workers = pool, workers
        self.entries = [Entry(contestant) for contestant in contestants]
        self.baseline, self.control, *self.others = self.entries
        self.problem, self.share, self.cold, self.floor = problem, share, cold, floor
        own = zlib.crc32(f"{seed} {problem.text}".encode())
        self.random = np.random.default_rng(own)
        self.verification = Verification(problem, own % 1_000_000)
        self.patience = max(0.05, PATIENCE * share)
        self.noise: float | None = None
        self.sets: list[Operands] = []
        self.places: list[list[tuple[int, ...]]] = []
        self.packed = b""
        self.delayed = self.sampled = 0.0
        self.moved = self.moving = 0.0
        self.tick = 0
        self.look = 0
        self.timed: dict[tuple[int, int], Case] = {}

    def run(self) -> None:
        """Check, time, check again; the results are in the entries. Raises `Unfit` for a baseline that fails."""
        started = time.monotonic()
        deadline = started + self.share
        self.verification.draw()
        self._make_room(CHECKS, lambda entry: entry.contestant.check_seconds)
        self._all(self._size_up)
        self._all(self._check_before)
        self._require_baseline()
        self._make_room(CHECKS - 2, lambda entry: entry.check_seconds)
        spent_on_checks = time.monotonic() - started
        self._make_sets()
        self._all(self._ready)
        self._all(self._warm_up)
        self._require_baseline()
        self._calibrate()
        self._keep_to_one_core()
        self._each(self._alone)
        self._require_baseline()
        self._each(self._open_account)
        self.moved = time.monotonic()
        self.moving = len(self.sets) * sum(entry.call_seconds for entry in self.entries)
        self._run_rounds(max(deadline - spent_on_checks / 2, time.monotonic() + LEAST_ROUNDS * self.share))
        self._close_accounts()
        self._each(lambda entry: entry.contestant.free())
        self._each(self._check_timed)
        self._all(lambda entry: self.verification.after(entry.contestant))
        self._require_baseline()
        self._conclude()
        for entry in self.entries:
            entry.contestant.rest()

    def _each(self, step: Callable[[Entry], object]) -> None:
        for entry in self.entries:
            entry.attempt(step)

    def _all(self, step: Callable[[Entry], object]) -> None:
        """As `_each`, on several at once: for what is not timed."""
        list(self.pool.map(lambda entry: entry.attempt(step), self.entries))

    def _require_baseline(self) -> None:
        for entry in (self.baseline, self.control):
            if entry.verdict:
                raise Unfit(f"the baseline {self.baseline.contestant.label} is {entry.verdict} on it: {entry.reason}")

    # --- before the rounds ---

    def _size_up(self, entry: Entry) -> None:
        """Send away who would take longer than the patience, found out on parts of the problem. Raises `Out`.

        Two parts, since a part's time may be mostly what any call costs: from the second on, time grows with FLOPs.
        """
        contestant, whole = entry.contestant, self.problem.flops
        if entry in (self.baseline, self.control) or 0 < contestant.rate * whole <= self.patience / 2:
            return
        if contestant.least_rate * whole > HOPELESS * self.patience and contestant.least_rate < math.inf:
            raise self._too_slow(contestant.least_rate * whole, "the layers before")
        small, large = (part_of(self.problem, max(PROBE_FLOPS, flops)) for flops in (0, whole // 8))
        seconds = self._probe(contestant, small)
        predicted = seconds * whole / max(1, small.flops)
        part = small
        if predicted > self.patience and small.flops < large.flops < whole and predicted * large.flops / whole < PROBE:
            part = large
            longer = self._probe(contestant, large)
            predicted = longer + max(0.0, longer - seconds) * (whole - large.flops) / (large.flops - small.flops)
        contestant.least_rate = min(contestant.least_rate, predicted / max(1, whole))
        if predicted > self.patience:
            raise self._too_slow(predicted, part.text)

    def _make_room(self, times: int, seconds: Callable[[Entry], float]) -> None:
        """Send away those who would take the others' time with being prepared and checked, the slowest first.

        ``seconds`` is what one check takes, of which there are so many ``times`` still to come.
        """
        allowed = UNTIMED_SHARE * self.share * self.workers
        racing = sorted((entry for entry in self.others if not entry.verdict), key=seconds)
        total = times * sum(map(seconds, [self.baseline, self.control, *racing]))
        while racing and total > allowed:
            entry = racing.pop()
            taken = seconds(entry)
            total -= times * taken
            if times * taken * len(self.entries) > allowed:
                entry.verdict = "undecided"
                entry.reason = (
                    f"preparing and checking it takes about {taken:.2g} s each of {times} times: the"
                    f" {self.share:.2g} s that this budget gives the layer would go to it"
                )

    def _check_before(self, entry: Entry) -> None:
        entry.check_seconds = self.verification.before(entry.contestant)
        entry.contestant.check_seconds = entry.check_seconds

    def _too_slow(self, seconds: float, basis: str) -> Out:
        allowed = f"more than the {self.patience:.2g} s that this budget allows"
        return Out("undecided", f"one call would take about {seconds:.2g} s, {allowed} (predicted from {basis})")

    def _probe(self, contestant: Contestant, part: Problem) -> float:
        """Seconds of a call on a part of the problem, once it is prepared and has been called before. Raises `Out`."""
        operands = draw(part, "exact", self.verification.seed)
        contestant.call(Request(part, operands))  # what declines or fails says so here
        contestant.ask(CALL_TIMEOUT, *ready_command(part, [operands], [[]], contestant.threads))
        calls = [contestant.ask(CALL_TIMEOUT, "race_sample", 0, 0)[0]["ns"] for _ in range(2)]
        return float(min(calls)) * 1e-9

    def _make_sets(self) -> None:
        size = 4 * sum(math.prod(shape) for shape in (self.problem.input_shape, self.problem.weight_shape))
        count = min(COLD_SETS, max(HOT_SETS, math.ceil(2 * largest_cache() / max(1, size)))) if self.cold else HOT_SETS
        self.sets = self.verification.sets(count)
        self.places = [places(self.problem, one, number) for number, one in enumerate(self.sets)]

    def _ready(self, entry: Entry) -> None:
        threads = entry.contestant.threads
        content, _, _ = entry.contestant.ask_packed(60.0 + self.patience, self._operands(threads))
        entry.prepare_seconds = content["prepare_seconds"]
        if content["threads"] not in (None, threads):
            raise Out("failed", f"its framework uses {content['threads']} threads, not the {threads} of this race")

    def _operands(self, threads: int) -> bytes:
        """The request that puts operands in place, packed once for all contestants."""
        if not self.packed:
            self.packed = protocol.request(*ready_command(self.problem, self.sets, self.places, threads))
        return self.packed

    def _warm_up(self, entry: Entry) -> None:
        timeout = 20.0 + 10 * self.patience
        content, _, _ = entry.contestant.ask(timeout, "race_warm", WARM_UP)
        entry.call_seconds = middle.median(content["ns"][-3:]) * 1e-9
        entry.contestant.rate = entry.call_seconds / max(1, self.problem.flops)
        if entry.call_seconds > self.patience and entry not in (self.baseline, self.control):
            raise Out(
                "undecided", f"one call takes {entry.call_seconds:.2g} s, more than the {self.patience:.2g} s allowed"
            )
        content, _, _ = entry.contestant.ask(timeout, "race_memory")
        entry.peak_bytes = content["peak_bytes"]

    def _calibrate(self) -> None:
        """One number of calls a sample for all; fewer where samples would be long, and fewer rounds if need be."""
        shared = max(1, math.ceil(SAMPLE / max(1e-7, self.baseline.call_seconds)))
        enough = stats.fewest_rounds(stats.error_share(1, len(self.others)))
        for entry in self.entries:
            seconds = max(1e-7, entry.call_seconds)
            entry.iterations = max(1, min(shared, int(LONG_SAMPLE / seconds)))
            fair = 2 * self.share / len(self.entries)
            if enough * entry.iterations * seconds > fair and entry not in (self.baseline, self.control):
                entry.rounds = max(FEW_ROUNDS, int(fair / (entry.iterations * seconds)))

    def _keep_to_one_core(self) -> None:
        """Have all that are timed with one thread run on the same core: the one that the baseline last ran on.

        Else the system may keep one of them on a core that something else is at work on, and its caches cold.
        """
        core = self.baseline.contestant.core()
        if self.baseline.contestant.threads == 1 and core is not None:
            self._each(lambda entry: entry.contestant.keep_to(core))

    def _alone(self, entry: Entry) -> None:
        samples = ALONE if entry.call_seconds < LONG_SAMPLE else 1
        entry.alone_seconds = middle.median(self._sample(entry) for _ in range(samples))

    def _open_account(self, entry: Entry) -> None:
        """From now on the contestant's samples are held against the engine's clocks."""
        clocks = Clocks(entry.contestant.process.pid)
        coarse = 0.0 if clocks.fine else TICKS
        idle = [self._idle(entry, clocks) for _ in range(IDLE)]
        processor, elapsed = (middle.median(column) for column in zip(*idle, strict=True))
        entry.account = Account(entry.contestant.threads, coarse, clocks.knows_delays, processor, elapsed)
        entry.account.processor = -clocks.processor()
        entry.clocks = clocks

    def _idle(self, entry: Entry, clocks: Clocks) -> tuple[float, float]:
        """Seconds of processor that a sample without calls takes, and those that it lasts. Raises `Out`."""
        processor, delayed = clocks.processor(), clocks.delayed()
        _, waited = self._request(entry, "race_idle")
        return clocks.processor() - processor, waited - (clocks.delayed() - delayed)

    def _close_accounts(self) -> None:
        for entry in self.entries:
            if entry.clocks is not None:
                entry.account.processor += entry.clocks.processor()
                entry.clocks.close()
                entry.clocks = None

    # --- the rounds ---

    def _request(self, entry: Entry, command: str) -> tuple[dict[str, Any], float]:
        """A sample's reply and the seconds until it came. Raises `Out`."""
        first = self.tick - entry.iterations + 1
        timeout = 20.0 + 10 * entry.iterations * entry.call_seconds
        content, _, waited = entry.contestant.ask(timeout, command, first, self.tick)
        return content, waited

    def _sample(self, entry: Entry) -> float:
        """Seconds a call, by the child's clock; the account is told of it. Raises `Out`."""
        delayed = entry.clocks.delayed() if entry.clocks else 0.0
        content, waited = self._request(entry, "race_sample")
        taken, whole = content["ns"] * 1e-9, content["whole"] * 1e-9
        if not taken > 0 or whole > waited * 1.001:
            raise Out("failed", f"its process's clock says {whole:.3g} s where the engine's says {waited:.3g} s")
        if entry.clocks:
            entry.account.shown.append(taken * (1 + run_in(entry.iterations) / entry.iterations))
            entry.account.elapsed.append(waited - (entry.clocks.delayed() - delayed))
        self.delayed += content["delayed"] * 1e-9
        self.sampled += taken
        entry.last_tick = self.tick
        return float(f"{taken / entry.iterations:.5g}")  # more digits than a sample is good for, and short to write

    def _take_part(self, entry: Entry) -> None:
        entry.seconds.append(self._sample(entry))

    def _run_rounds(self, deadline: float) -> None:
        """Rounds until every contestant is settled or the time is up."""
        step = max(entry.iterations for entry in self.entries)
        done = 0
        for wanted in stats.looks(len(self.others)):
            while done < wanted:
                racers = [entry for entry in self.entries if entry.running]
                if not any(entry in racers for entry in self._judged):
                    return
                self._move(racers)
                for order in schedule.square(len(racers), self.random):
                    self.tick += step
                    for place in order:
                        racers[place].attempt(self._take_part)
                    done += 1
                    if time.monotonic() > deadline:
                        return
                    if done >= wanted or not all(entry.running for entry in racers):
                        break
            self._weigh()

    def _move(self, racers: list[Entry]) -> None:
        """Have all put their operands elsewhere in memory, if that takes a small part of the time since the last move.

        A kernel's time depends on where its operands and its output lie, by up to some percent. Moved from time to
        time, that is a part of the samples' noise and no longer of the ratio (Curtsinger and Berger 2013, *Stabilizer*,
        move code as well). All let go before any takes memory, so that they get one another's; in a random order, since
        the first in line gets other memory than the last.
        """
        started = time.monotonic()
        if self.moving > MOVING * (started - self.moved):
            return
        for command in ("race_drop", "race_place"):
            for place in self.random.permutation(len(racers)):
                racers[place].attempt(partial(self._aside, command=command))
        self.moved = time.monotonic()
        self.moving = self.moved - started

    def _aside(self, entry: Entry, command: str) -> None:
        """A request whose processor time is not held against what samples show. Raises `Out`."""
        before = entry.clocks.processor() if entry.clocks else 0.0
        entry.contestant.ask(60.0 + 10 * self.patience, command)
        if entry.clocks:
            entry.account.processor -= entry.clocks.processor() - before

    @property
    def _judged(self) -> list[Entry]:
        """For whose sake there are rounds; the control, where nobody else is left."""
        return [entry for entry in self.others if not entry.verdict] or [self.control]

    def _weigh(self) -> None:
        """Look at the data: ratios and intervals of all that are still racing, and who is settled."""
        self.look += 1
        error = stats.error_share(self.look, len(self.others))
        for entry in self.entries[1:]:
            if not entry.verdict and not entry.settled and entry.seconds:
                entry.ratio = stats.ratio(entry.seconds, self.baseline.seconds, error)
        if self.control.ratio is not None:
            self.noise = stats.noise_floor(self.control.ratio)
        for entry in self._judged:
            if entry.ratio is not None and self.noise is not None:
                entry.settled = stats.settled(entry.ratio, self.noise, self.floor) and self._believed(entry)

    @property
    def busy(self) -> float:
        """The part of the samples' time in which the system ran something else, and which was taken out of them."""
        return self.delayed / max(1e-9, self.delayed + self.sampled)

    # --- after them ---

    def _check_timed(self, entry: Entry) -> None:
        """Hold the output of the last timed call against the oracle. Raises `Out`."""
        content, arrays, _ = entry.contestant.ask(60.0, "race_output")
        which = entry.last_tick % len(self.sets)
        number = turn(entry.last_tick, len(self.sets), len(self.places[which])) if self.places[which] else -1
        if (which, number) not in self.timed:
            place = self.places[which][number] if number >= 0 else None
            self.timed[which, number] = flipped(self.problem, self.sets[which], place)
        self.verification.timed(entry.contestant, self.timed[which, number], arrays[0], content["dtype"])

    def _conclude(self) -> None:
        self._weigh()
        for entry in self.others:
            entry.attempt(self._check_clock)
            entry.attempt(self._decide)
        self.baseline.verdict = "baseline"
        self.baseline.ratio = stats.Ratio(1.0, 1.0, 1.0, len(self.baseline.seconds))

    def _check_clock(self, entry: Entry) -> None:
        """One whose clock and the engine's do not fit together is not ranked. Raises `Out`."""
        complaint = entry.account.complaint()
        if complaint:
            raise Out("failed", complaint)

    def _believed(self, entry: Entry) -> bool:
        """Whether a clock that hides time would have been noticed, if this one is fast enough to ask."""
        real = entry.iterations * middle.median(self.baseline.seconds)
        return entry.ratio is None or entry.account.can_tell(entry.ratio.value, real)

    def _decide(self, entry: Entry) -> None:
        assert entry.ratio is not None
        assert self.noise is not None
        entry.verdict = stats.verdict(entry.ratio, self.noise, self.floor)
        if entry.ratio.low is None:
            entry.reason = f"only {entry.ratio.rounds} rounds fitted into the budget: too few for an interval"
            return
        if entry.verdict == "faster" and not self._believed(entry):
            entry.verdict = "undecided"
            entry.reason = f"{entry.ratio.rounds} rounds are too few to notice a clock that hides time"
        elif entry.verdict == "undecided":
            floor = max(self.noise, self.floor, stats.LEAST_FLOOR)
            entry.reason = (
                f"the interval reaches across the verdicts' limits (noise {floor:.1%}, margin {stats.MARGIN:.0%})"
            )
        disturbance = self._disturbance(entry)
        if max(disturbance, 1 / disturbance) > ALONE_DIFFERS:
            entry.verdict = "undecided"
            entry.reason = (
                f"in the race it takes {disturbance:.2g} times as long as alone (the baseline's own factor divided"
                " out): the race disturbs it"
            )

    def _disturbance(self, entry: Entry) -> float:
        """Time in the race over time alone, relative to the baseline's; where it is off, alone is taken again."""

        def factor() -> float:
            slowed = [middle.median(one.seconds) / (one.alone_seconds or 1.0) for one in (entry, self.baseline)]
            return slowed[0] / slowed[1]

        found = factor()
        if max(found, 1 / found) > ALONE_DIFFERS:
            self._alone(entry)
            self._alone(self.baseline)
            found = factor()
        return found


def ready_command(problem: Problem, sets: list[Operands], places: list[Any], threads: int) -> tuple[Any, ...]:
    """The command that puts operand sets in place and prepares for them."""
    packed = [tuple(map(protocol.packed, (one.input, one.weight, one.bias))) for one in sets]
    return "race_ready", problem.text, packed, places, threads


def largest_cache() -> int:
    """Bytes of the largest cache, as Linux tells; 32 MiB where nothing does."""
    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:], 1)
        sizes.append(int(text.rstrip("KM")) * unit)
    return max(sizes, default=32 << 20)
