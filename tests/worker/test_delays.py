"""Tests of the time that delays take from calls."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from convgauge.worker.delays import Waits, without_preemption


def test_delays_are_subtracted_from_samples() -> None:
    assert without_preemption([(100, 0, 1), (100, 0, 1), (100, 0, 1)]) == 300
    assert without_preemption([(100, 0, 1), (5100, 5000, 1), (100, 0, 1)]) == 300
    assert without_preemption([(100, 0, 1), (100, 5000, 1), (100, 0, 1)]) == 300, (
        "a delay between the two clocks' readings"
    )
    assert without_preemption([(800, 0, 8), (5400, 5000, 4)]) == 1200, "the number of calls is kept"
    assert without_preemption([(9000, 5000, 1), (8000, 4000, 1)]) == 8000
    assert without_preemption([(100, 5000, 1)]) == 10


def test_time_of_the_process_s_own_threads_is_no_delay() -> None:
    start = Waits(waited_ns=1000, others_ns=500)
    assert start.delay_until(Waits(1000, 500)) == 0
    assert start.delay_until(Waits(6000, 500)) == 5000, "another process ran"
    assert start.delay_until(Waits(6000, 4500)) == 1000, "another process ran, after a thread of this one"
    assert start.delay_until(Waits(6000, 9500)) == 0, "other threads ran on other processors too"
    assert start.delay_until(Waits(6000, 400)) == 5000, "the clocks are not read at the same time"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be pinned to a core here")
def test_a_thread_that_computes_on_the_same_processor_is_not_subtracted() -> None:
    """The main thread is ready to run all the time, and waits for the processor while the other computes."""
    code = (
        "import os, threading, time\n"
        "from convgauge.worker.delays import OwnDelays\n"
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "def compute():\n"
        "    while time.thread_time() < 0.2: hash(bytes(1 << 20))\n"
        "delays = OwnDelays()\n"
        "before, thread = delays.read(), threading.Thread(target=compute)\n"
        "thread.start()\n"
        "while thread.is_alive(): hash(bytes(1 << 20))\n"
        "after = delays.read()\n"
        "print(after.others_ns - before.others_ns, before.delay_until(after), after.waited_ns - before.waited_ns)\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    others_ns, delay_ns, waited_ns = map(int, printed.split())
    assert others_ns > 150_000_000
    assert delay_ns <= max(0, waited_ns - others_ns)
