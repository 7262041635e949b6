"""Connection with a worker process: it can be cancelled, refuses commands, and names what does not load."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from convgauge.problem import Problem
from convgauge.process.connection import CommandRefused, Connection
from convgauge.process.failures import Cancelled, FailureBudget, ProcessFailure
from convgauge.process.runner import Limits
from convgauge.reference.operands import draw
from convgauge.registry import LoadError, Origin
from convgauge.worker.call import Call
from convgauge.worker.messages import MakeCall, Observed, Sample
from convgauge.worker.protocol import Encoded, encode
from support.paths import SUPPORT

PROBLEM = Problem(1, 2, 5, 6, 3, (3, 2), bias=True)
HANGS = PROBLEM.replace(batch=3)

Connect = Callable[..., Connection]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect with kernels that fail, and end their processes afterwards."""
    connections: list[Connection] = []

    def start(name: str, budget: FailureBudget | None = None, python: str = sys.executable) -> Connection:
        origin = Origin("file", str(SUPPORT / "faulty_processes.py"), name, name, "numpy")
        connections.append(Connection(origin, Limits(), python, budget=budget))
        return connections[-1]

    yield start
    for connection in connections:
        connection.close()


def call(problem: Problem) -> Encoded[Observed]:
    operands = draw(problem)
    return encode(MakeCall(Call(operands.input, operands.weight, operands.bias, problem.arguments)))


def test_a_command_under_way_is_cancelled_by_another_thread(connect: Connect) -> None:
    connection = connect("sleeps")
    connection.wait_ready()
    assert connection.request(call(PROBLEM), 20.0).observation.kind == "answer"
    threading.Timer(0.2, connection.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        connection.request(call(HANGS), 20.0)
    assert time.monotonic() - started < 15
    with pytest.raises(Cancelled):
        connection.request(call(PROBLEM), 20.0)


def test_a_command_that_the_worker_cannot_carry_out_is_refused(connect: Connect) -> None:
    connection = connect("conv")
    connection.wait_ready()
    with pytest.raises(CommandRefused, match="ZeroDivisionError") as refused:
        connection.request(encode(Sample(0, 0)), 20.0)
    assert refused.value.kind == "raised"
    assert connection.request(call(PROBLEM), 20.0).number == 1
    assert connection.budget.failures == 0


def test_a_failed_process_is_replaced_until_the_budget_is_exhausted(connect: Connect) -> None:
    connection = connect("exits_1", FailureBudget(max_in_a_row=2))
    connection.wait_ready()
    first = connection.pid
    for _ in range(2):
        with pytest.raises(ProcessFailure, match="exit status 1") as failure:
            connection.request(call(HANGS), 20.0)
        assert failure.value.kind == "crashed"
        assert connection.pid == 0
    assert first != 0
    with pytest.raises(ProcessFailure, match="was given up after 2 deaths in a row") as failure:
        connection.request(call(PROBLEM), 20.0)
    assert failure.value.kind == "not_called"


def test_a_kernel_that_is_not_there_is_a_load_error(connect: Connect) -> None:
    with pytest.raises(LoadError, match="has no 'nothing'"):
        connect("nothing").wait_ready()


def test_a_python_that_is_not_there_is_a_load_error(connect: Connect) -> None:
    with pytest.raises(LoadError, match="the Python /nowhere/python cannot be started: No such file"):
        connect("conv", python="/nowhere/python")
