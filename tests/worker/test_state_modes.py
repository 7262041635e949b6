"""Tests of calls without memory and of different problems in several threads."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from convgauge.arguments import resolve
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import Operands, draw
from convgauge.worker import state_modes
from convgauge.worker.call import Call
from convgauge.worker.call_modes import CALL_MODES
from convgauge.worker.frameworks import framework

Array = np.ndarray[Any, Any]

SMALL = Problem(batch=2, in_channels=2, height=6, width=7, out_channels=3, kernel=(3, 3), padding=(1, 1), bias=True)


def conv2d(input: Array, weight: Array, bias: Array | None, **arguments: Any) -> Array:
    problem = resolve(input, weight, bias, **arguments)
    output = np.ones(problem.output_shape, input.dtype)
    output[...] = oracle.answer(problem, Operands(input, weight, bias))
    return output


def outputs(mode: str, function: Callable[..., Array] = conv2d, problem: Problem = SMALL) -> list[Array]:
    operands = draw(problem, "exact")
    call = Call(operands.input, operands.weight, operands.bias, problem.arguments)
    arrays = [operands.input, operands.weight, operands.bias]
    implementation: Any = function
    first, further = CALL_MODES[mode](implementation, framework("numpy"), call, arrays)
    return [first, *further]


def test_several_problems_are_answered_each_by_itself() -> None:
    operands = draw(SMALL, "exact")
    smaller = Operands(operands.input[:, :, 1:, 1:], operands.weight, operands.bias)
    expected = [
        oracle.answer(SMALL, operands),
        oracle.answer(SMALL.replace(height=5, width=6), smaller),
        oracle.answer(SMALL.replace(stride=(2, 2)), operands),
    ]
    for got, right in zip(outputs("several_problems"), expected, strict=True):
        assert np.array_equal(got, right)


def test_an_output_that_differs_among_threads_is_returned() -> None:
    latest = SimpleNamespace(shape=())

    def mixed(input: Array, weight: Array, bias: Array | None, **arguments: Any) -> Array:
        latest.shape = input.shape, arguments["stride"]
        is_alone = threading.current_thread() is threading.main_thread()
        time.sleep(0 if is_alone else 1e-3)
        output = conv2d(input, weight, bias, **arguments)
        return output if latest.shape == (input.shape, arguments["stride"]) else output * 0

    assert any(not output.any() for output in outputs("several_problems", mixed))


def test_slow_calls_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_modes, "MAX_ROUNDS_S", 0.0)
    count = []

    def counted(*operands: Any, **arguments: Any) -> Array:
        count.append(1)
        return conv2d(*operands, **arguments)

    outputs("several_problems", counted)
    assert len(count) == 3 + state_modes.THREADS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux alone")
def test_a_call_runs_out_of_memory_and_the_limit_is_restored() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError):
        outputs("out_of_memory", lambda *_, **__: np.ones((1 << 14, 1 << 16), np.float32))
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    with pytest.raises(MemoryError):
        outputs("out_of_memory")
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux alone")
def test_a_call_that_needs_no_memory_is_followed_by_the_plain_one() -> None:
    def careful(input: Array, weight: Array, bias: Array | None, **arguments: Any) -> Array:
        return np.zeros(1) if arguments["padding"] != (1, 1) else conv2d(input, weight, bias, **arguments)

    (output,) = outputs("out_of_memory", careful)
    assert np.array_equal(output, oracle.answer(SMALL, draw(SMALL, "exact")))
