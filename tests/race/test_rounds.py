"""Tests of samples and rounds, on contestants whose times are simulated."""

from __future__ import annotations

import time
from typing import Any, cast

import numpy as np
import pytest

from convgauge.race.contestant import Contestant, Withdrawn
from convgauge.race.entrant import Lineup
from convgauge.race.rounds import Rounds, Sampler
from convgauge.worker.messages import Done, DropOperands, PlaceOperands, Reply, Sample, Sampled, WorkerCommand


class Simulated:
    """Contestant whose calls take ``call_s`` by its clock, while ``waited_s`` pass by the engine's."""

    def __init__(self, label: str, call_s: float = 1e-3, waited_s: float = 1.0) -> None:
        self.label, self.call_s, self.waited_s = label, call_s, waited_s
        self.commands: list[WorkerCommand[Any]] = []
        self.samples: list[tuple[int, int]] = []

    def request(self, command: WorkerCommand[Any], timeout_s: float) -> Reply:
        return self.timed_request(command, timeout_s)[0]

    def timed_request(self, command: WorkerCommand[Any], timeout_s: float) -> tuple[Reply, float]:
        self.commands.append(command)
        if not isinstance(command, Sample):
            return Done(), 0.0
        self.samples.append((command.first, command.last))
        taken = int((command.last - command.first + 1) * self.call_s * 1e9)
        return Sampled(taken, taken, taken), self.waited_s


def lineup(*contestants: Simulated) -> Lineup:
    return Lineup.of(cast("list[Contestant]", contestants))


def rounds(lineup: Lineup) -> Rounds:
    return Rounds(lineup, Sampler(), np.random.default_rng(0), max_call_s=1.0)


def run(lineup: Lineup, count: int, max_moving: bool = True) -> None:
    """Run the rounds of one life."""
    for entrant in lineup.all:
        entrant.lives.append([])
        entrant.is_alive, entrant.max_rounds = True, max(entrant.max_rounds, 100)
    rounds(lineup).run(count, time.monotonic() + 60, first_move_s=0.0 if max_moving else 1e9)


def test_every_entrant_takes_one_sample_per_round_on_the_same_calls() -> None:
    contestants = [Simulated(label) for label in ("base", "control", "other")]
    field = lineup(*contestants)
    run(field, 7)
    run(field, 4)
    assert [[len(life) for life in entrant.lives] for entrant in field.all] == [[7, 4]] * 3
    assert contestants[0].samples == contestants[1].samples == contestants[2].samples
    assert field.baseline.seconds[0] == pytest.approx(1e-3)


def test_an_entrant_without_a_life_takes_no_part() -> None:
    field = lineup(Simulated("base"), Simulated("control"), Simulated("other"), Simulated("wrong"))
    for entrant in field.all[:3]:
        entrant.lives, entrant.is_alive, entrant.max_rounds = [[]], True, 100
    field.control.max_rounds = 3
    rounds(field).run(5, time.monotonic() + 60, first_move_s=0.0)
    assert [len(entrant.seconds) for entrant in field.all] == [5, 3, 5, 0]


def test_rounds_end_at_the_deadline() -> None:
    field = lineup(Simulated("base"), Simulated("control"), Simulated("other"))
    for entrant in field.all:
        entrant.lives, entrant.is_alive = [[]], True
    rounds(field).run(9, time.monotonic() - 1, first_move_s=0.0)
    assert [len(entrant.seconds) for entrant in field.all] == [1, 1, 1]


def test_an_entrant_that_withdraws_takes_part_no_longer() -> None:
    class Failing(Simulated):
        """Contestant that fails in its third sample."""

        def timed_request(self, command: WorkerCommand[Any], timeout_s: float) -> tuple[Reply, float]:
            if isinstance(command, Sample) and len(self.samples) == 2:
                raise Withdrawn("failed", "died")
            return super().timed_request(command, timeout_s)

    field = lineup(Simulated("base"), Simulated("control"), Failing("failing"), Simulated("other"))
    run(field, 8)
    failing, other = field.others
    assert (failing.verdict, failing.reason, len(failing.seconds)) == ("failed", "died", 2)
    assert len(other.seconds) == len(field.baseline.seconds) == 8


def test_operands_move_only_if_that_takes_a_small_part_of_the_time() -> None:
    for is_cheap in (True, False):
        contestants = [Simulated(label) for label in ("base", "control", "other")]
        run(lineup(*contestants), 2, max_moving=is_cheap)
        assert all((DropOperands() in contestant.commands) == is_cheap for contestant in contestants)
        assert all((PlaceOperands() in contestant.commands) == is_cheap for contestant in contestants)


def test_a_clock_that_shows_more_time_than_has_passed_fails() -> None:
    entrant = lineup(Simulated("base"), Simulated("control", call_s=2.0)).control
    with pytest.raises(Withdrawn, match="2 s where the engine's shows 1 s"):
        Sampler().sample(entrant)


def test_busy_is_the_part_of_time_that_other_programs_took() -> None:
    sampler = Sampler()
    assert sampler.busy == 0
    sampler.sample(lineup(Simulated("base"), Simulated("control")).baseline)
    assert sampler.busy == pytest.approx(0.5)
