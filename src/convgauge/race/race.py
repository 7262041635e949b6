"""One race: all contestants on one problem, checked, timed in rounds, and checked again."""

from __future__ import annotations

import statistics
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import numpy as np

from convgauge.problem import Problem
from convgauge.race import budget, decide
from convgauge.race import statistics as stats
from convgauge.race.clock_audit import ClockAudit, Clocks
from convgauge.race.contestant import CallRequest, Contestant, Withdrawn
from convgauge.race.entrant import Entrant, Lineup
from convgauge.race.rounds import Rounds, Sampler
from convgauge.race.timed_operands import TimedOperands, prepare_command
from convgauge.race.verification import Verification
from convgauge.reference.operands import draw
from convgauge.worker.messages import MeasureMemory, ReadOutput, Sample, WarmUp

CHECKS = 6
"""Cost of a race beside its rounds, in checks of a contestant: three checks, two operand sets, memory."""

MIN_ROUNDS_SHARE = 0.5
"""Part of a race's seconds that its rounds get even if checks take long; later races get less time then."""

WARM_UP_S = 0.15
"""Most seconds of warm-up; one call is always made."""

ALONE_SAMPLES = 3
"""Samples taken in a row, without other entrants in between, to see if the race itself slows an entrant."""

IDLE_SAMPLES = 3
"""Samples without calls, whose median is the cost of a sample beside its calls."""

PREPARE_TIMEOUT_S = 60.0
"""Seconds for preparation, beside one call."""

OUTPUT_TIMEOUT_S = 60.0


class BaselineFailed(Exception):
    """The baseline cannot be a baseline on this problem."""


class Race:
    """Race of all contestants on one problem.

    Parameters
    ----------
    contestants : sequence of Contestant
        The baseline is first, its control second.
    problem : Problem
        Problem on which all of them are timed.
    share_s : float
        Seconds of this race.
    seed : int
        Seed of operands and of the order in each round.
    pool : Executor
        Threads for the steps that are not timed.
    workers : int
        Number of contestants that take such a step at the same time.
    cold : bool
        True if operands are rotated past the largest cache.
    floor : float
        Noise floor from the controls of earlier races (`stats.pooled_floor`).

    Attributes
    ----------
    entrants : list of Entrant
        Contestants with their measurements and verdicts, in the same order.
    noise : float or None
        Deviation of the control's ratio from 1.
    """

    def __init__(
        self,
        contestants: Sequence[Contestant],
        problem: Problem,
        share_s: float,
        seed: int,
        pool: Executor,
        workers: int = 1,
        cold: bool = False,
        floor: float = 0.0,
    ) -> None:
        self.lineup = Lineup.of(contestants)
        self.entrants, self.baseline, self.control = self.lineup.all, self.lineup.baseline, self.lineup.control
        self.problem, self.pool, self.cold, self.floor = problem, pool, cold, floor
        self.limits = budget.TimeLimits(share_s, workers)
        race_seed = zlib.crc32(f"{seed} {problem.text}".encode())
        self.verification = Verification(problem, race_seed % 1_000_000)
        self.sampler = Sampler()
        self.rounds = Rounds(self.lineup, self.sampler, np.random.default_rng(race_seed), self.limits.max_call_s)
        self.noise: float | None = None
        self.looks = 0

    def run(self) -> None:
        """Check, time and check again; the results are in the entrants.

        Raises
        ------
        BaselineFailed
            If the baseline or its control withdraws.
        """
        started = time.monotonic()
        end = started + self.limits.share_s
        self.verification.draw()
        self._drop_slowest(CHECKS, lambda entrant: entrant.contestant.check_seconds)
        self._each_in_pool(self._predict_cost)
        self._each_in_pool(self._check_before)
        self._require_baseline()
        self._drop_slowest(CHECKS - 2, lambda entrant: entrant.check_seconds)
        checks_s = time.monotonic() - started
        self.operands = TimedOperands(self.verification, self.baseline.contestant.threads, is_cold=self.cold)
        self._each_in_pool(self._prepare)
        self._each_in_pool(self._warm_up)
        self._require_baseline()
        self._plan_samples()
        self._pin_to_one_core()
        self._each(self._time_alone)
        self._require_baseline()
        self._each(self._start_audit)
        first_move_s = len(self.operands.sets) * sum(entrant.call_seconds for entrant in self.entrants)
        deadline = max(end - checks_s / 2, time.monotonic() + MIN_ROUNDS_SHARE * self.limits.share_s)
        self.rounds.run(deadline, self._weigh, first_move_s)
        for entrant in self.entrants:
            entrant.audit.close()
        self._each(lambda entrant: entrant.contestant.unpin())
        self._each(self._check_timed)
        self._each_in_pool(lambda entrant: self.verification.after(entrant.contestant))
        self._require_baseline()
        self._conclude()
        for entrant in self.entrants:
            entrant.contestant.release_operands()

    @property
    def busy(self) -> float:
        """Part of the samples' time in which the system ran other programs; it is subtracted from the samples."""
        return self.sampler.busy

    def _each(self, step: Callable[[Entrant], object]) -> None:
        for entrant in self.entrants:
            entrant.attempt(step)

    def _each_in_pool(self, step: Callable[[Entrant], object]) -> None:
        """Take a step that is not timed, several entrants at the same time."""
        list(self.pool.map(lambda entrant: entrant.attempt(step), self.entrants))

    def _require_baseline(self) -> None:
        for entrant in (self.baseline, self.control):
            if entrant.verdict:
                label = self.baseline.contestant.label
                raise BaselineFailed(f"the baseline {label} is {entrant.verdict} on it: {entrant.reason}")

    # --- before the rounds ---

    def _drop_slowest(self, checks: int, check_seconds: Callable[[Entrant], float]) -> None:
        """Drop the entrants whose checks would take the time of the others."""
        entrants = [entrant for entrant in self.lineup.others if not entrant.verdict]
        fixed_s = check_seconds(self.baseline) + check_seconds(self.control)
        for index in budget.drop_slowest(
            list(map(check_seconds, entrants)), fixed_s, checks, self.limits.max_untimed_s, len(self.entrants)
        ):
            entrant = entrants[index]
            entrant.verdict = "undecided"
            entrant.reason = (
                f"preparing and checking it takes about {check_seconds(entrant):.2g} s each of {checks} times: the"
                f" {self.limits.share_s:.2g} s that this budget gives the layer would go to it"
            )

    def _predict_cost(self, entrant: Entrant) -> None:
        """Withdraw an entrant whose call is predicted to take longer than the budget allows."""
        contestant, max_call_s = entrant.contestant, self.limits.max_call_s
        is_known_fast = 0 < contestant.rate * self.problem.flops <= max_call_s / 2
        if is_known_fast or self.lineup.is_reference(entrant):
            return
        prediction = budget.predict_cost(
            self.problem, max_call_s, contestant.least_rate, lambda part: self._probe(contestant, part)
        )
        contestant.least_rate = min(contestant.least_rate, prediction.seconds / max(1, self.problem.flops))
        if prediction.seconds > max_call_s:
            raise Withdrawn(
                "undecided",
                f"one call would take about {prediction.seconds:.2g} s, more than the {max_call_s:.2g} s that this"
                f" budget allows (predicted from {prediction.basis})",
            )

    def _probe(self, contestant: Contestant, part: Problem) -> float | None:
        """Return the seconds of a call on a part of the problem, after preparation and a first call.

        Return None if the contestant does not answer the part: it may answer the problem itself.
        """
        operands = draw(part, "exact", self.verification.seed)
        try:
            contestant.call(CallRequest(part, operands))
            contestant.request(prepare_command(part, [operands], [[]], contestant.threads))
            return min(contestant.request(Sample(0, 0)).calls_ns for _ in range(2)) * 1e-9
        except Withdrawn as withdrawn:
            if withdrawn.ended_process or part == self.problem:
                raise
            return None

    def _check_before(self, entrant: Entrant) -> None:
        entrant.check_seconds = self.verification.before(entrant.contestant)
        entrant.contestant.check_seconds = entrant.check_seconds

    def _prepare(self, entrant: Entrant) -> None:
        threads = entrant.contestant.threads
        prepared = entrant.contestant.request(self.operands.command, PREPARE_TIMEOUT_S + self.limits.max_call_s)
        entrant.prepare_seconds = prepared.seconds
        if prepared.threads not in (None, threads):
            raise Withdrawn("failed", f"its framework uses {prepared.threads} threads, not the {threads} of this race")

    def _warm_up(self, entrant: Entrant) -> None:
        max_call_s = self.limits.max_call_s
        timeout = 20.0 + 10 * max_call_s
        call_ns = entrant.contestant.request(WarmUp(WARM_UP_S), timeout).call_ns
        entrant.call_seconds = statistics.median(call_ns[-3:]) * 1e-9
        entrant.contestant.rate = entrant.call_seconds / max(1, self.problem.flops)
        if entrant.call_seconds > max_call_s and not self.lineup.is_reference(entrant):
            raise Withdrawn(
                "undecided", f"one call takes {entrant.call_seconds:.2g} s, more than the {max_call_s:.2g} s allowed"
            )
        entrant.peak_bytes = entrant.contestant.request(MeasureMemory(), timeout).peak_bytes

    def _plan_samples(self) -> None:
        """Set the number of calls per sample, and the number of rounds of slow entrants."""
        for entrant in self.entrants:
            entrant.iterations = budget.calls_per_sample(entrant.call_seconds, self.baseline.call_seconds)
            if not self.lineup.is_reference(entrant):
                sample_s = entrant.iterations * max(1e-7, entrant.call_seconds)
                entrant.max_rounds = budget.max_rounds(sample_s, self.limits.share_s, len(self.entrants))

    def _pin_to_one_core(self) -> None:
        """Run all entrants that use one thread on the same core: the one that the baseline last ran on.

        Otherwise the system may keep one of them on a core that runs another program, with cold caches.
        """
        core = self.baseline.contestant.core()
        if self.baseline.contestant.threads == 1 and core is not None:
            self._each(lambda entrant: entrant.contestant.pin_to_core(core))

    def _time_alone(self, entrant: Entrant) -> None:
        samples = ALONE_SAMPLES if entrant.call_seconds < budget.LONG_SAMPLE_S else 1
        entrant.alone_seconds = statistics.median(self.sampler.sample(entrant) for _ in range(samples))

    def _start_audit(self, entrant: Entrant) -> None:
        """Compare the entrant's samples with the engine's clocks, beginning with the next sample."""
        clocks = Clocks(entrant.contestant.connection.pid)
        idle = [self.sampler.idle(entrant, clocks) for _ in range(IDLE_SAMPLES)]
        entrant.audit = ClockAudit.start(clocks, entrant.contestant.threads, idle)

    # --- during the rounds and after them ---

    def _weigh(self) -> None:
        self.looks += 1
        self.noise = decide.weigh(self.lineup, self.looks, self.floor)

    def _check_timed(self, entrant: Entrant) -> None:
        """Compare the output of the last timed call with the oracle."""
        timed = entrant.contestant.request(ReadOutput(), OUTPUT_TIMEOUT_S)
        case = self.operands.case(entrant.last_tick)
        self.verification.timed(entrant.contestant, case, timed.output, timed.dtype)

    def _conclude(self) -> None:
        self._weigh()
        for entrant in self.lineup.others:
            entrant.attempt(self._check_clock)
            entrant.attempt(self._decide)
        self.baseline.verdict = "baseline"
        self.baseline.ratio = stats.Ratio(1.0, 1.0, 1.0, len(self.baseline.seconds))

    def _check_clock(self, entrant: Entrant) -> None:
        """Withdraw an entrant whose clock differs from the engine's."""
        if discrepancy := entrant.audit.discrepancy():
            raise Withdrawn("failed", discrepancy)

    def _decide(self, entrant: Entrant) -> None:
        assert entrant.ratio is not None
        assert self.noise is not None
        entrant.verdict, entrant.reason = decide.verdict(entrant, self.baseline, self.noise, self.floor)
        if entrant.ratio.low is None:
            return
        factor = self._disturbance(entrant)
        if decide.is_disturbed(factor):
            entrant.verdict = "undecided"
            entrant.reason = (
                f"in the race it takes {factor:.2g} times as long as alone (the baseline's own factor divided out): the"
                " race disturbs it"
            )

    def _disturbance(self, entrant: Entrant) -> float:
        """Return the effect of the race on an entrant; if it is large, the time alone is measured again."""
        factor = decide.disturbance(entrant, self.baseline)
        if decide.is_disturbed(factor):
            self._time_alone(entrant)
            self._time_alone(self.baseline)
            factor = decide.disturbance(entrant, self.baseline)
        return factor
