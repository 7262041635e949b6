"""One race: all contestants on one problem, checked, timed in the rounds of several lives, and checked again."""

from __future__ import annotations

import statistics
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np

from convgauge.problem import Problem
from convgauge.race import budget, decide
from convgauge.race import statistics as stats
from convgauge.race.clock_audit import ClockAudit, Clocks
from convgauge.race.contestant import CallRequest, Contestant, Withdrawn
from convgauge.race.entrant import Entrant, Lineup
from convgauge.race.floors import Floors
from convgauge.race.life_plan import LifeCosts, LifePlan, plan_life
from convgauge.race.lives import MIN_LIVES
from convgauge.race.rounds import Rounds, Sampler
from convgauge.race.timed_operands import TimedOperands, prepare_command
from convgauge.race.variances import VariancePool
from convgauge.race.verification import Verification
from convgauge.race.workload import Workload
from convgauge.worker.messages import MeasureMemory, ReadOutput, Sample, WarmUp

CHECKS = 10
"""Cost of a race beside its rounds, in checks of a contestant: three checks, memory, and the operands of all lives."""

MAX_COMPILE_S = 0.2
"""Seconds by which a first call may exceed a later one. If it takes longer, processes of lives are used again."""

MAX_LIFE_COST = 3.0
"""Most time to begin a life that counts, in times of the first preparation. Further processes of an implementation that
compiles are new in the first race, which may take longer for that."""

MIN_ROUNDS_SHARE = 0.25
"""Part of a race's seconds that its rounds get even if checks take long; later races get less time then."""

ROUNDS_PER_LIFE_COST = 2.0
"""Time of a life's rounds, in times that it takes to begin a life, before the variances of any race are known."""

WARM_UP_S = (0.15, 0.05)
"""Most seconds of warm-up in the first life and in a later one; one call is always made."""

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
    work : Workload
        Problem on which all of them are timed, and its direction.
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
    variances : VariancePool
        Variances of the races before.
    floors : Floors
        Limits of the machine.

    Attributes
    ----------
    entrants : list of Entrant
        Contestants with their measurements and verdicts, in the same order.
    """

    def __init__(
        self,
        contestants: Sequence[Contestant],
        work: Workload,
        share_s: float,
        seed: int,
        pool: Executor,
        workers: int = 1,
        cold: bool = False,
        variances: VariancePool | None = None,
        floors: Floors | None = None,
    ) -> None:
        self.lineup = Lineup.of(contestants)
        self.entrants, self.baseline, self.control = self.lineup.all, self.lineup.baseline, self.lineup.control
        self.work, self.problem, self.pool, self.cold = work, work.problem, pool, cold
        self.variances, self.floors = variances or VariancePool(), floors or Floors()
        self.limits = budget.TimeLimits(share_s, workers)
        race_seed = zlib.crc32(f"{seed} {work.problem.text}".encode())
        self.verification = Verification(work, race_seed % 1_000_000)
        self.sampler = Sampler()
        self.rounds = Rounds(self.lineup, self.sampler, np.random.default_rng(race_seed), self.limits.max_call_s)
        self.life_count = self.looks = 0
        self.prepare_s = 0.0  # seconds to prepare in the first life
        self.life_s = 0.0  # seconds to begin and to end the last life
        self.deadline = 0.0  # time of the monotonic clock by which rounds end

    def run(self) -> None:
        """Check, time and check again; the results are in the entrants.

        Raises
        ------
        BaselineFailed
            If the baseline or its control withdraws.
        """
        started = time.monotonic()
        end = started + self.limits.share_s
        self._begin_first_life()
        checks_s = time.monotonic() - started
        self._prepare_first_life()
        enough_s = MIN_ROUNDS_SHARE * self.limits.share_s + (MIN_LIVES - 1) * self.life_s
        self.deadline = max(end - checks_s / 2, time.monotonic() + enough_s)
        looks = stats.looks(MIN_LIVES)
        look_at = next(looks)
        plan = self._plan_life()
        while plan.rounds:
            self._run_rounds(plan)
            plan = self._plan_life()
            if self.life_count == look_at or not plan.rounds:
                self._weigh(is_last=not plan.rounds)
                look_at = next(looks)
                plan = plan if self._is_undecided else LifePlan(0, 0.0)
            self._finish_life(is_last=not plan.rounds)
            if plan.rounds:
                self._begin_life()
        self._conclude()

    @property
    def noise(self) -> float | None:
        """Deviation of the control's ratio from 1; None if it has no ratio."""
        return None if self.control.ratio is None else stats.noise(self.control.ratio)

    @property
    def busy(self) -> float:
        """Part of the samples' time in which the system ran other programs; it is subtracted from the samples."""
        return self.sampler.busy

    def _each(self, step: Callable[[Entrant], object]) -> None:
        """Take a step with each entrant that has a life."""
        for entrant in self.entrants:
            entrant.attempt_alive(step)

    def _each_in_pool(self, step: Callable[[Entrant], object], entrants: Sequence[Entrant] | None = None) -> None:
        """Take a step that is not timed with each entrant that has a life, several at the same time."""
        chosen = self.entrants if entrants is None else entrants
        list(self.pool.map(lambda entrant: entrant.attempt_alive(step), chosen))

    def _begin_in_pool(self, step: Callable[[Entrant], object]) -> None:
        """Begin the next life of each entrant that needs one, several at the same time."""
        undecided = [entrant for entrant in self.entrants if entrant.is_undecided]
        list(self.pool.map(lambda entrant: entrant.attempt(step), undecided))

    def _require_baseline(self) -> None:
        for entrant in (self.baseline, self.control):
            if entrant.verdict:
                label = self.baseline.contestant.label
                raise BaselineFailed(f"the baseline {label} is {entrant.verdict} on it: {entrant.reason}")

    # --- the first life ---

    def _begin_first_life(self) -> None:
        """Begin a life of each contestant, and check those whose checks fit into the budget."""
        self.verification.draw()
        self._begin_in_pool(Entrant.begin_life)
        self._drop_slowest(CHECKS, lambda entrant: entrant.contestant.check_seconds)
        self._each_in_pool(partial(self._without_fork_if_it_ends, step=self._predict_cost))
        self._each_in_pool(partial(self._without_fork_if_it_ends, step=self._check_before))
        self._require_baseline()
        self._drop_slowest(CHECKS - 2, lambda entrant: entrant.check_seconds)

    def _prepare_first_life(self) -> None:
        """Prepare, plan the samples, and time each entrant alone."""
        self.operands = TimedOperands(self.verification, self.baseline.contestant.threads, is_cold=self.cold)
        started = time.monotonic()
        self._each_in_pool(self._prepare)
        self._each_in_pool(self._warm_up)
        self._require_baseline()
        self.life_s = self.prepare_s = time.monotonic() - started
        self._plan_samples()
        self._pin_to_one_core()
        self._each(self._time_alone)
        self._require_baseline()
        self._plan_samples()  # the calls of the warm-up ran beside those of another entrant
        self._each(self._start_audit)

    def _without_fork_if_it_ends(self, entrant: Entrant, step: Callable[[Entrant], object]) -> None:
        """Take a step, and again in a process of its own if a fork ends: not every framework works in forks."""
        try:
            step(entrant)
        except Withdrawn as withdrawn:
            if not (withdrawn.ended_process and entrant.contestant.is_forked):
                raise
            entrant.contestant.make_lives_lasting()
            entrant.contestant.begin_life(0)
            step(entrant)

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
        work = self.work.replace(part)
        drawn = work.draw(work.family, self.verification.seed)
        try:
            contestant.call(CallRequest(work, drawn))
            contestant.request(prepare_command(work, [drawn], [[]], contestant.threads))
            return min(contestant.request(Sample(0, 0)).calls_ns for _ in range(2)) * 1e-9
        except Withdrawn as withdrawn:
            if withdrawn.ended_process or part == self.problem:
                raise
            return None

    def _check_before(self, entrant: Entrant) -> None:
        checked = self.verification.before(entrant.contestant)
        entrant.lane, entrant.precision = checked.lane, checked.error
        entrant.check_seconds = entrant.contestant.check_seconds = checked.last_s
        if checked.first_s - checked.last_s > MAX_COMPILE_S:
            entrant.contestant.make_lives_lasting()

    def _prepare(self, entrant: Entrant) -> None:
        threads = entrant.contestant.threads
        prepared = entrant.contestant.request(self.operands.command, PREPARE_TIMEOUT_S + self.limits.max_call_s)
        if entrant.prepare_seconds is None:
            entrant.prepare_seconds = prepared.seconds
        if prepared.threads not in (None, threads):
            raise Withdrawn("failed", f"its framework uses {prepared.threads} threads, not the {threads} of this race")

    def _warm_up(self, entrant: Entrant) -> None:
        max_call_s = self.limits.max_call_s
        call_ns = entrant.contestant.request(WarmUp(WARM_UP_S[0]), self._call_timeout_s).call_ns
        entrant.call_seconds = statistics.median(call_ns[-3:]) * 1e-9
        entrant.contestant.rate = entrant.call_seconds / max(1, self.problem.flops)
        if entrant.call_seconds > max_call_s and not self.lineup.is_reference(entrant):
            raise Withdrawn(
                "undecided", f"one call takes {entrant.call_seconds:.2g} s, more than the {max_call_s:.2g} s allowed"
            )
        entrant.peak_bytes = entrant.contestant.request(MeasureMemory(), self._call_timeout_s).peak_bytes

    @property
    def _call_timeout_s(self) -> float:
        return 20.0 + 10 * self.limits.max_call_s

    def _plan_samples(self) -> None:
        """Set the number of calls per sample, and the most rounds of a life of slow entrants."""
        for entrant in self.entrants:
            entrant.iterations = budget.calls_per_sample(entrant.call_seconds, self.baseline.call_seconds)
            entrant.max_rounds = budget.max_rounds(entrant.sample_seconds, self.limits.share_s, len(self.entrants))

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
        entrant.call_seconds = min(entrant.call_seconds, entrant.alone_seconds)

    def _start_audit(self, entrant: Entrant) -> None:
        """Compare the entrant's samples with the engine's clocks, beginning with the next sample."""
        clocks = Clocks(entrant.contestant.connection.answering_pid)
        idle = [self.sampler.idle(entrant, clocks) for _ in range(IDLE_SAMPLES)]
        entrant.audit = ClockAudit.start(clocks, entrant.contestant.threads, idle)

    def _resume_audit(self, entrant: Entrant) -> None:
        """Audit the process of a further life, after a sample that copies the pages which a fork shares at first."""
        clocks = Clocks(entrant.contestant.connection.answering_pid)
        self.sampler.idle(entrant, clocks)
        entrant.audit.resume(clocks)

    # --- lives ---

    @property
    def _is_undecided(self) -> bool:
        """True if more lives would help an entrant that is compared."""
        return any(entrant.is_undecided for entrant in self.lineup.compared)

    def _plan_life(self) -> LifePlan:
        """Plan the next life; it has no rounds if there is no time for it."""
        round_s = sum(entrant.sample_seconds for entrant in self.entrants if entrant.is_undecided)
        costs = LifeCosts(self.life_s, round_s)
        best = ROUNDS_PER_LIFE_COST * costs.life_s / costs.round_s
        if self.variances.races:
            best = costs.best_rounds(self.variances.per_round, self.variances.between)
        return plan_life(self.life_count, self.deadline - time.monotonic(), costs, best, self.limits.share_s)

    def _begin_life(self) -> None:
        """Begin the next life of each entrant that needs one."""
        started = time.monotonic()
        self._begin_in_pool(self._begin_prepared)
        self._require_baseline()
        self._pin_to_one_core()
        self._each(self._resume_audit)
        elapsed_s = time.monotonic() - started
        self.life_s = min(elapsed_s, MAX_LIFE_COST * self.prepare_s)
        self.deadline += elapsed_s - self.life_s

    def _begin_prepared(self, entrant: Entrant) -> None:
        entrant.begin_life()
        self._prepare(entrant)
        entrant.contestant.request(WarmUp(WARM_UP_S[1]), self._call_timeout_s)

    def _run_rounds(self, plan: LifePlan) -> None:
        """Run the rounds of one life."""
        first_move_s = len(self.operands.sets) * sum(entrant.call_seconds for entrant in self.entrants)
        self.rounds.run(plan.rounds, time.monotonic() + plan.seconds, first_move_s)
        self.life_count += 1

    def _finish_life(self, *, is_last: bool) -> None:
        """Verify the last timed output, make the last checks of entrants that need no further life, and end lives."""
        started = time.monotonic()
        for entrant in self.entrants:
            entrant.audit.close()
        self._each(lambda entrant: entrant.contestant.unpin())
        self._each_in_pool(self._check_timed)
        leaving = [entrant for entrant in self.entrants if is_last or entrant.is_conclusive]
        for entrant in leaving:
            if not self.lineup.is_reference(entrant):
                entrant.attempt_alive(self._measure_disturbance)
        self._each_in_pool(self._check_after, leaving)
        list(self.pool.map(Entrant.end_life, self.entrants))
        self._require_baseline()
        self.life_s += time.monotonic() - started

    def _check_timed(self, entrant: Entrant) -> None:
        """Compare the output of the last timed call with the oracle."""
        timed = entrant.contestant.request(ReadOutput(), OUTPUT_TIMEOUT_S)
        case = self.operands.case(entrant.last_tick)
        self.verification.timed(entrant.contestant, case, timed, entrant.lane)

    def _check_after(self, entrant: Entrant) -> None:
        self.verification.after(entrant.contestant, entrant.lane)
        entrant.explanation = entrant.contestant.explanation(self.problem)

    def _measure_disturbance(self, entrant: Entrant) -> None:
        """Compare the entrant's time in the race with that alone, which is measured again if they differ much."""
        entrant.disturbance = decide.disturbance(entrant, self.baseline)
        if decide.is_disturbed(entrant.disturbance):
            self._time_alone(entrant)
            self._time_alone(self.baseline)
            entrant.disturbance = decide.disturbance(entrant, self.baseline)

    # --- after the lives ---

    def _weigh(self, *, is_last: bool) -> None:
        self.looks += 1
        decide.weigh(self.lineup, stats.error_share(self.looks, is_last=is_last), self.variances)

    def _conclude(self) -> None:
        for entrant in self.lineup.others:
            entrant.attempt(self._check_clock)
            entrant.attempt(self._decide)
        self.baseline.verdict = "baseline"
        self.baseline.ratio = stats.Ratio(1.0, 1.0, 1.0, len(self.baseline.seconds), len(self.baseline.lives))
        lives = [decide.life_ratios(entrant, self.lineup) for entrant in (self.control, *self.lineup.others)]
        self.variances.add(stats.variances(lives))

    def _check_clock(self, entrant: Entrant) -> None:
        """Withdraw an entrant whose clock differs from the engine's."""
        if discrepancy := entrant.audit.discrepancy():
            raise Withdrawn("failed", discrepancy)

    def _decide(self, entrant: Entrant) -> None:
        assert entrant.ratio is not None
        assert self.control.ratio is not None
        floor, algorithm = stats.floor(self.control.ratio), entrant.contestant.algorithm
        own_s, baseline_s = (statistics.median(each.seconds) for each in (entrant, self.baseline))
        if violation := self.floors.violation(self.work, own_s, algorithm, baseline_s=baseline_s, is_cold=self.cold):
            raise Withdrawn("implausible", violation)
        entrant.verdict, entrant.reason = decide.verdict(entrant, self.baseline, floor)
        if entrant.lane.name != self.baseline.lane.name:
            entrant.verdict, entrant.reason = "other_precision", decide.lane_note(entrant, self.baseline)
