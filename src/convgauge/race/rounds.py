"""Samples and rounds: every running contestant takes one sample per round, in random order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from convgauge.race.clock_audit import Clocks
from convgauge.race.contestant import Withdrawn
from convgauge.race.entrant import Entrant, Lineup
from convgauge.race.schedule import latin_square
from convgauge.worker.messages import DropOperands, PlaceOperands, R, Sample, SampleIdle, WorkerCommand
from convgauge.worker.timing import warmup_calls

MAX_CLOCK_ERROR = 1.001
"""Factor by which a process's clock may exceed the engine's for the same sample."""

MAX_MOVING_SHARE = 0.1
"""Largest part of the rounds' time for moving operands in memory."""

MOVE_TIMEOUT_S = 60.0
"""Seconds for one request to move operands, beside ten calls."""


class Sampler:
    """Numbers timed calls, requests samples and adds up the time that the system took from them.

    Call numbers (ticks) are shared by all entrants, so that all of them compute on the same operands in a round.
    """

    def __init__(self) -> None:
        self.tick = 0
        self.delayed_s = self.sampled_s = 0.0

    @property
    def busy(self) -> float:
        """Part of the samples' time in which the system ran other programs; it is subtracted from the samples."""
        return self.delayed_s / max(1e-9, self.delayed_s + self.sampled_s)

    def request(self, entrant: Entrant, command: Callable[[int, int], WorkerCommand[R]]) -> tuple[R, float]:
        """Return the reply to a command on the calls up to the current tick, and the seconds until it came.

        Raises
        ------
        Withdrawn
            If the contestant withdraws.
        """
        first = self.tick - entrant.iterations + 1
        timeout = 20.0 + 10 * entrant.iterations * entrant.call_seconds
        return entrant.contestant.timed_request(command(first, self.tick), timeout)

    def sample(self, entrant: Entrant) -> float:
        """Return the seconds of one call by the child's clock, and record the sample in the audit.

        Raises
        ------
        Withdrawn
            If the contestant withdraws, or if its clock shows more time than has passed.
        """
        delayed = entrant.audit.delayed_s()
        sampled, waited = self.request(entrant, Sample)
        seconds, whole = sampled.calls_ns * 1e-9, sampled.elapsed_ns * 1e-9
        if not seconds > 0 or whole > waited * MAX_CLOCK_ERROR:
            raise Withdrawn(
                "failed", f"its process's clock shows {whole:.3g} s where the engine's shows {waited:.3g} s"
            )
        with_warm_up = seconds * (1 + warmup_calls(entrant.iterations) / entrant.iterations)
        entrant.audit.record(with_warm_up, waited - (entrant.audit.delayed_s() - delayed))
        self.delayed_s += sampled.delayed_ns * 1e-9
        self.sampled_s += seconds
        entrant.last_tick = self.tick
        return float(f"{seconds / entrant.iterations:.5g}")  # the precision of a sample, and short to write

    def idle(self, entrant: Entrant, clocks: Clocks) -> tuple[float, float]:
        """Return the processor time and the elapsed time of a sample without calls, in seconds.

        Raises
        ------
        Withdrawn
            If the contestant withdraws.
        """
        processor, delayed = clocks.processor_s(), clocks.delayed_s()
        _, waited = self.request(entrant, SampleIdle)
        return clocks.processor_s() - processor, waited - (clocks.delayed_s() - delayed)


class Rounds:
    """Rounds of samples, between which operands move in memory."""

    def __init__(self, lineup: Lineup, sampler: Sampler, random: np.random.Generator, max_call_s: float) -> None:
        self.lineup, self.sampler, self.random = lineup, sampler, random
        self.timeout_s = MOVE_TIMEOUT_S + 10 * max_call_s
        self.moved_at = self.move_s = 0.0

    def run(self, count: int, deadline: float, first_move_s: float) -> None:
        """Run the rounds of one life of the entrants.

        Parameters
        ----------
        count : int
            Number of rounds.
        deadline : float
            Time of the monotonic clock in seconds after which no further round begins; the first always does.
        first_move_s : float
            Predicted seconds of moving the operands of all entrants once.
        """
        self.moved_at, self.move_s = time.monotonic(), first_move_s
        step = max(entrant.iterations for entrant in self.lineup.all)
        done = 0
        while done < count:
            running = [entrant for entrant in self.lineup.all if entrant.has_rounds_left]
            if not running:
                return
            self._move(running)
            for order in latin_square(len(running), self.random):
                self.sampler.tick += step
                for index in order:
                    running[index].attempt(self._take_part)
                done += 1
                if time.monotonic() > deadline:
                    return
                if done >= count or not all(entrant.has_rounds_left for entrant in running):
                    break

    def _take_part(self, entrant: Entrant) -> None:
        entrant.lives[-1].append(self.sampler.sample(entrant))

    def _move(self, running: Sequence[Entrant]) -> None:
        """Move all operands in memory, if that takes a small part of the time since the last move.

        The time of a kernel depends on the addresses of its operands and its output, by up to some percent. With moves
        between rounds that is a part of the samples' noise and no longer of the ratio (Curtsinger and Berger 2013,
        *Stabilizer*, move code as well). All entrants release memory before any takes memory, so that they get one
        another's. The order is random, because the first entrant gets other memory than the last.
        """
        started = time.monotonic()
        if self.move_s > MAX_MOVING_SHARE * (started - self.moved_at):
            return
        for command in (DropOperands(), PlaceOperands()):
            for index in self.random.permutation(len(running)):
                running[index].attempt(partial(self._request_unaudited, command=command))
        self.moved_at = time.monotonic()
        self.move_s = self.moved_at - started

    def _request_unaudited(self, entrant: Entrant, command: DropOperands | PlaceOperands) -> None:
        """Make a request whose processor time the audit does not attribute to the samples."""
        with entrant.audit.excluded():
            entrant.contestant.request(command, self.timeout_s)
