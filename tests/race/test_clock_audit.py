"""Tests of the audit: time that a contestant hides shows in the engine's clocks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from convgauge.race.clock_audit import ALLOWED_JITTER_S, MIN_CLAIM, TICK_ERROR_S, ClockAudit, Clocks, ThreadDelays

SPIN = """
import sys, time
for _ in sys.stdin:
    started = time.process_time()
    while time.process_time() < started + 0.02: pass
    print(started, time.process_time(), flush=True)
"""


@pytest.fixture
def spinner() -> Iterator[subprocess.Popen[str]]:
    """Yield a process that uses 20 ms of processor per line of input, and prints when it began and ended."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", SPIN], stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def audit(threads: int = 1, shown: float = 5e-3, real: float = 5e-3, samples: int = 4, **options: Any) -> ClockAudit:
    """Return the audit of samples that really take ``real`` seconds on one thread."""
    idle = 1e-4
    result = ClockAudit(threads, idle_processor_s=idle, idle_elapsed_s=idle, **options)
    result.shown_s, result.elapsed_s = [shown] * samples, [real + idle] * samples
    result.processor_s = samples * (real + idle)
    return result


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' clocks are error")
def test_another_process_is_read_as_it_reads_itself(spinner: subprocess.Popen[str]) -> None:
    assert spinner.stdout
    clocks, last = Clocks(spinner.pid), 0.0
    for _ in range(3):
        print(file=spinner.stdin)
        started, ended = map(float, spinner.stdout.readline().split())
        assert last <= started
        last = clocks.processor_s()
        assert ended <= last
    assert last > 0.06
    assert clocks.delayed_s() >= 0
    clocks.close()


LATER = """
import sys, threading, time
def compute():
    end = time.thread_time() + 0.02
    while time.thread_time() < end: pass
for _ in sys.stdin:
    started = time.perf_counter()
    threading.Thread(target=compute).start()
    print(time.perf_counter() - started, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' clocks are error")
def test_time_that_is_hidden_in_a_thread_is_noticed() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", LATER], stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        assert process.stdin
        assert process.stdout
        clocks = Clocks(process.pid)
        result = ClockAudit.start(clocks, 1, [(0.0, 0.0)])
        started_s = clocks.processor_s()
        for _ in range(5):
            print(file=process.stdin)
            result.record(min(1e-3, float(process.stdout.readline())), 1e-3)
        while clocks.processor_s() < started_s + 0.1:
            time.sleep(0.01)
        result.close()
        process.stdin.close()
    assert "s of processor where its clock shows" in result.discrepancy()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not report delays")
def test_delays_of_all_threads_are_added_up() -> None:
    """A thread that waits for another one of its process does not wait for a processor: the other may."""
    event = threading.Event()
    delays = ThreadDelays(os.getpid())
    count, before = len(delays.threads), delays.read()
    thread = threading.Thread(target=event.wait)
    thread.start()
    try:
        assert delays.is_known
        assert delays.read() >= before
        assert len(delays.threads) > count
        assert sum(delays.values.values()) >= max(delays.values.values())
    finally:
        event.set()
        thread.join()
    assert delays.read() >= before, "a thread that ended keeps its value"
    delays.close()


def test_a_process_that_is_gone_reads_0() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    clocks = Clocks(ended.pid)
    ended.wait()
    assert clocks.processor_s() == 0
    assert clocks.delayed_s() >= 0
    clocks.close()
    assert not clocks.has_delays


def test_the_error_clock_is_that_of_the_system() -> None:
    clocks = Clocks(os.getpid())
    fine = clocks.processor_s()
    clocks.is_fine = False
    assert abs(clocks.processor_s() - fine) <= 2 * TICK_ERROR_S
    assert abs(fine - time.process_time()) <= 2 * TICK_ERROR_S


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_a_clock_that_shows_half_of_the_time_is_noticed_in_one_sample(threads: int) -> None:
    assert audit(threads, shown=5e-3, real=10e-3, samples=1).discrepancy()
    assert audit(threads, shown=2 * ALLOWED_JITTER_S + 1e-6, real=4 * ALLOWED_JITTER_S + 2e-6, samples=1).discrepancy()
    assert not audit(threads).discrepancy()


def test_the_cost_of_a_sample_without_calls_is_subtracted() -> None:
    sampled = audit(shown=1e-4, real=1e-4, samples=50)
    assert not sampled.discrepancy()
    sampled.idle_processor_s = sampled.idle_elapsed_s = 0.0
    sampled.processor_s += 50 * 1e-3
    assert "processor" in sampled.discrepancy()


def test_a_few_late_samples_are_no_discrepancy() -> None:
    sampled = audit(samples=15)
    sampled.elapsed_s[:7] = [0.1] * 7
    assert not sampled.discrepancy()
    sampled.elapsed_s[7] = 0.1
    assert "half of its samples" in sampled.discrepancy()
    few = audit(samples=7)
    few.elapsed_s[:6] = [0.1] * 6
    assert not few.discrepancy()
    few.elapsed_s[6] = 0.1
    assert "its samples last" in few.discrepancy()


def test_threads_may_work_at_the_same_time_but_not_hide_elapsed_time() -> None:
    sampled = audit(threads=4)
    sampled.processor_s *= 4
    assert not sampled.discrepancy()
    hidden = audit(threads=4, real=10e-3)
    assert hidden.processor_s < 4 * sum(hidden.shown_s)
    assert "its samples last" in hidden.discrepancy()


def test_a_coarse_clock_notices_hidden_time_only_after_enough_samples() -> None:
    fine = audit(shown=5e-5, real=5e-5, samples=4)
    assert fine.would_notice(0.01, 5e-3)
    error = audit(shown=5e-5, real=5e-5, samples=4, error_s=TICK_ERROR_S, has_delays=False)
    assert not error.would_notice(0.01, 5e-3), "20 ms in total, of which an error of 20 ms hides all"
    error.shown_s *= 10
    assert error.would_notice(0.01, 5e-3)
    assert audit(error_s=1.0, has_delays=False).would_notice(1.01 / MIN_CLAIM, 5e-3), "nothing is claimed"
