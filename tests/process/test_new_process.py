"""Tests of processes that are started on request, ended as a program ends, or forked after calls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convgauge import registry
from convgauge.process.client import IsolatedSubject
from convgauge.process.in_process import InProcessSubject
from convgauge.process.runner import Limits
from convgauge.worker.call import Call

KERNEL = """
import atexit, os, threading
from pathlib import Path
import numpy as np

atexit.register(lambda: Path(__file__).with_suffix(".exit").write_text(str(calls)))
calls = 0
worker = threading.Thread(target=threading.Event().wait, daemon=True)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    global calls
    calls += 1
    if not worker.is_alive() and calls == 1:
        worker.start()
    return np.full((1, 1, 1, 2), [calls, os.getpid() % 4096], np.float32)
"""
ONE = np.ones((1, 1, 1, 1), np.float32)
CALL = Call(ONE, ONE, None, {"stride": 1, "padding": 0, "dilation": 1, "groups": 1})


@pytest.fixture
def origin(tmp_path: Path) -> registry.Origin:
    (tmp_path / "kernel.py").write_text(KERNEL)
    return registry.resolve(f"{tmp_path / 'kernel.py'}:conv2d", "numpy")[0]


def state(subject: object) -> tuple[float, float]:
    """Return the number of calls of a process, and a remainder of its id."""
    output = subject.observe(CALL).output  # type: ignore[attr-defined]  # a runner
    return float(output[0, 0, 0, 0]), float(output[0, 0, 0, 1])


def test_a_process_ends_as_a_program_ends(origin: registry.Origin, tmp_path: Path) -> None:
    subject = IsolatedSubject(origin, Limits())
    subject.wait_ready()
    try:
        with subject.new_process() as first:
            assert state(first)[0] == 1
            assert state(first)[0] == 2
            first.end()
            assert (tmp_path / "kernel.exit").read_text() == "2"
        with subject.new_process() as second:
            assert state(second)[0] == 1
    finally:
        subject.close()


def test_a_fork_has_the_state_of_a_process_with_a_thread_of_python(origin: registry.Origin) -> None:
    subject = IsolatedSubject(origin, Limits())
    subject.wait_ready()
    try:
        with subject.new_process() as process:
            number, pid = state(process)
            assert process.fork()
            assert state(process)[0] == number + 1
            assert state(process)[1] != pid
    finally:
        subject.close()


def test_the_process_of_the_suite_has_no_other(origin: registry.Origin) -> None:
    subject = InProcessSubject(origin)
    with subject.new_process() as process:
        assert process is None
    assert not subject.fork()
