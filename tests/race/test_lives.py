"""Lives of a contestant: forks that nothing has changed, or processes that take turns."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from convgauge.problem import Problem
from convgauge.process.connection import Connection
from convgauge.process.runner import Limits
from convgauge.race.contestant import CallRequest, Contestant, Withdrawn
from convgauge.race.lives import MIN_LIVES, Lives
from convgauge.race.timed_operands import prepare_command
from convgauge.race.workload import Drawn, Workload
from convgauge.reference.operands import draw
from convgauge.registry import Origin
from convgauge.worker.messages import Sample
from support.paths import SUPPORT

PROBLEM = Problem.parse("n1c2h6w6_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32")
REQUEST = CallRequest(Workload(PROBLEM), Drawn(draw(PROBLEM)))
LINUX = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="processes are forked on Linux alone")

COUNTS = """
import numpy as np
calls = 0
{extra}
def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    global calls
    calls += 1
    return np.full((1, 3, 6, 6), calls, np.float32)
"""


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Contestant]]:
    """Launch a contestant whose output counts the calls of its process."""
    contestants: list[Contestant] = []

    def start(extra: str = "") -> Contestant:
        path = tmp_path / "counts.py"
        path.write_text(COUNTS.format(extra=extra))
        contestants.append(Contestant("conv", Origin("file", str(path), "conv", "conv", "numpy"), threads=1, seed=0))
        contestants[-1].launch()
        contestants[-1].wait_ready()
        return contestants[-1]

    yield start
    for contestant in contestants:
        contestant.close()


def count(contestant: Contestant) -> int:
    """Return the number of calls that the process of the current life has made."""
    output = contestant.call(REQUEST).output
    assert output is not None
    return int(output[0, 0, 0, 0])


@LINUX
def test_each_life_is_a_new_fork_that_has_called_nothing(launch: Callable[..., Contestant]) -> None:
    contestant, processes = launch(), set()
    for number in range(3):
        contestant.begin_life(number)
        assert contestant.is_forked
        assert [count(contestant), count(contestant)] == [1, 2]
        processes.add(contestant.connection.answering_pid)
        assert contestant.connection.answering_pid != contestant.connection.pid
        contestant.end_life()
    assert len(processes) == 3
    assert not any(Path(f"/proc/{process}").exists() for process in processes)


def test_processes_with_threads_take_turns(launch: Callable[..., Contestant]) -> None:
    contestant = launch("import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()")
    counts, processes = [], []
    for number in range(MIN_LIVES + 2):
        contestant.begin_life(number)
        assert contestant.has_lasting_lives
        assert not contestant.is_forked
        counts.append(count(contestant))
        processes.append(contestant.connection.answering_pid)
        contestant.end_life()
    assert counts == [1] * MIN_LIVES + [2, 2]
    assert len(set(processes)) == MIN_LIVES
    assert processes[MIN_LIVES:] == processes[:2]


def test_lives_that_become_lasting_keep_the_fork_that_runs(launch: Callable[..., Contestant]) -> None:
    contestant = launch()
    contestant.begin_life(0)
    first = contestant.connection.answering_pid
    assert count(contestant) == 1
    contestant.make_lives_lasting()
    contestant.end_life()
    contestant.begin_life(1)
    assert count(contestant) == 1
    contestant.begin_life(MIN_LIVES)
    assert (contestant.connection.answering_pid, count(contestant)) == (first, 2)


def test_a_lasting_life_forgets_operands_at_its_end(launch: Callable[..., Contestant]) -> None:
    contestant = launch()
    contestant.begin_life(0)
    contestant.make_lives_lasting()
    contestant.request(prepare_command(Workload(PROBLEM), [Drawn(draw(PROBLEM))], [[]], 1))
    contestant.request(Sample(0, 0))
    contestant.end_life()
    contestant.begin_life(MIN_LIVES)
    with pytest.raises(Withdrawn, match="ZeroDivisionError"):
        contestant.request(Sample(0, 0))


@LINUX
def test_a_life_follows_one_that_ended_its_process(launch: Callable[..., Contestant]) -> None:
    contestant = launch("import os")
    contestant.begin_life(0)
    os.kill(contestant.connection.answering_pid, 9)
    with pytest.raises(Withdrawn, match="SIGKILL") as withdrawn:
        count(contestant)
    assert withdrawn.value.ended_process
    contestant.end_life()
    contestant.begin_life(1)
    assert count(contestant) == 1


def test_a_fork_that_hangs_is_ended_and_processes_take_its_place() -> None:
    origin = Origin("file", str(SUPPORT / "hangs_in_forks.py"), "hangs_in_forks", "hangs", "numpy")
    limits = replace(Limits(threads=1), timeout_s=1.0)
    lives = Lives(lambda: Connection(origin, limits))
    try:
        lives.wait_ready()
        started = time.monotonic()
        lives.begin(0)
        assert lives.are_lasting
        assert lives.connection.child().process.poll() is None
        assert time.monotonic() - started < 60
    finally:
        lives.close()
