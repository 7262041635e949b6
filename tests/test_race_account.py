"""Time that a contestant hides, seen by the engine's own clocks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from convgauge.race.clock_audit import LEAST_CLAIM, TICKS, UNSEEN, Account, Clocks

SPIN = """
import sys, time
for _ in sys.stdin:
    started = time.process_time()
    while time.process_time() < started + 0.02: pass
    print(started, time.process_time(), flush=True)
"""


@pytest.fixture
def spinner() -> Iterator[subprocess.Popen]:
    """A process that uses 20 ms of processor for every line that it is sent, and tells when it began and ended."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", SPIN], stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        yield process
        process.stdin.close()


def account(threads: int = 1, shown: float = 5e-3, real: float = 5e-3, samples: int = 4, **more: float) -> Account:
    """That of samples which really take ``real`` seconds on one thread."""
    idle = 1e-4
    made = Account(threads, idle_processor=idle, idle_elapsed=idle, **more)
    made.shown, made.elapsed = [shown] * samples, [real + idle] * samples
    made.processor = samples * (real + idle)
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' clocks are coarse")
def test_another_process_is_read_as_it_reads_itself(spinner: subprocess.Popen) -> None:
    clocks, last = Clocks(spinner.pid), 0.0
    for _ in range(3):
        print(file=spinner.stdin)
        started, ended = map(float, spinner.stdout.readline().split())
        assert last <= started
        last = clocks.processor()
        assert ended <= last
    assert last > 0.06
    assert clocks.delayed() >= 0
    clocks.close()


def test_a_process_that_is_gone_reads_0() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    clocks = Clocks(ended.pid)
    ended.wait()
    assert clocks.processor() == 0
    assert clocks.delayed() >= 0
    clocks.close()
    assert not clocks.knows_delays


def test_the_coarse_clock_is_that_of_the_system() -> None:
    clocks = Clocks(os.getpid())
    fine = clocks.processor()
    clocks.fine = False
    assert abs(clocks.processor() - fine) <= 2 * TICKS
    assert abs(fine - time.process_time()) <= 2 * TICKS


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_a_clock_that_shows_half_of_the_time_is_noticed_in_one_sample(threads: int) -> None:
    assert account(threads, shown=5e-3, real=10e-3, samples=1).complaint()
    assert account(threads, shown=2 * UNSEEN + 1e-6, real=4 * UNSEEN + 2e-6, samples=1).complaint()
    assert not account(threads).complaint()


def test_what_all_samples_use_beside_their_calls_is_not_held_against_them() -> None:
    seen = account(shown=1e-4, real=1e-4, samples=50)
    assert not seen.complaint()
    seen.idle_processor = seen.idle_elapsed = 0.0
    seen.processor += 50 * 1e-3
    assert "processor" in seen.complaint()


def test_a_few_late_samples_accuse_nobody() -> None:
    seen = account(samples=7)
    seen.elapsed[:3] = [0.1] * 3
    assert not seen.complaint()
    seen.elapsed[3] = 0.1
    assert "half of its samples" in seen.complaint()


def test_threads_may_work_at_once_but_hide_nothing_from_the_clock_on_the_wall() -> None:
    seen = account(threads=4)
    seen.processor *= 4
    assert not seen.complaint()
    hidden = account(threads=4, real=10e-3)
    assert hidden.processor < 4 * sum(hidden.shown)
    assert "half of its samples" in hidden.complaint()


def test_where_a_lie_would_not_show_nobody_is_much_faster() -> None:
    fine = account(shown=5e-5, real=5e-5, samples=4)
    assert fine.can_tell(0.01, 5e-3)
    coarse = account(shown=5e-5, real=5e-5, samples=4, coarse=TICKS, knows_delays=False)
    assert not coarse.can_tell(0.01, 5e-3), "20 ms in all, where 20 ms are not seen"
    coarse.shown *= 10
    assert coarse.can_tell(0.01, 5e-3)
    assert account(coarse=1.0, knows_delays=False).can_tell(1.01 / LEAST_CLAIM, 5e-3), "nothing is claimed"
