"""A process that touches memory beside an operand ends in that one call, whose observation names the place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from convgauge.problem import Problem
from convgauge.process.client import IsolatedSubject
from convgauge.process.runner import Limits
from convgauge.reference.operands import draw
from convgauge.registry import resolve
from convgauge.worker.call import Call
from convgauge.worker.guarded_memory import why_unavailable
from support.paths import SUPPORT

pytestmark = pytest.mark.skipif(bool(why_unavailable()), reason=why_unavailable() or "pages can be protected")

KERNELS = SUPPORT / "reading_too_far.py"
USUAL = "contiguous"
INPUT_ENDS, INPUT_BEGINS = ("ends_at_guard", USUAL, USUAL), ("begins_at_guard", USUAL, USUAL)
WEIGHT_BEGINS = (USUAL, "begins_at_guard", USUAL)
SMALL = Problem(1, 2, 5, 6, 3, (3, 2), bias=True)
linux = pytest.mark.skipif(sys.platform != "linux", reason="the handler of SIGSEGV is that of Linux")


def call(problem: Problem, layouts: tuple[str, str, str]) -> Call:
    operands = draw(problem)
    return Call(operands.input, operands.weight, operands.bias, problem.arguments, layouts=layouts)


@contextmanager
def subject(name: str) -> Iterator[IsolatedSubject]:
    (origin,) = resolve(f"{KERNELS}:{name}", "numpy")
    started = IsolatedSubject(origin, Limits(timeout_s=30.0))
    try:
        started.wait_ready()
        yield started
    finally:
        started.close()


@linux
def test_the_distance_from_the_operand_is_stated() -> None:
    with subject("after_the_input") as reader:
        observation = reader.observe(call(SMALL, INPUT_ENDS))
        assert observation.kind == "crashed"
        assert observation.touched == "memory 4 bytes after the end of the input"
        assert observation.message.startswith("touched memory 4 bytes after the end of the input and died of signal 11")
        # the dump of the kernel's frames follows: the handler of before is called as well
        assert "in after_the_input" in observation.printed
        assert reader.observe(call(SMALL, INPUT_BEGINS)).kind == "answer"
    with subject("before_the_weight") as reader:
        assert reader.observe(call(SMALL, WEIGHT_BEGINS)).touched == "memory 1 byte before the start of the weight"
        assert reader.observe(call(SMALL, INPUT_ENDS)).kind == "answer"


def test_a_process_of_several_threads_is_named_by_the_layout() -> None:
    with subject("with_a_thread") as reader:
        assert reader.observe(call(SMALL, INPUT_ENDS)).kind == "answer"
        observation = reader.observe(call(SMALL.replace(batch=3), INPUT_ENDS))
        assert (observation.kind, observation.touched) == ("crashed", "memory after the end of the input")


@linux
def test_a_fault_elsewhere_is_a_crash_alone() -> None:
    with subject("elsewhere") as reader:
        assert reader.observe(call(SMALL, INPUT_ENDS)).kind == "answer"
        observation = reader.observe(call(SMALL.replace(batch=3), INPUT_ENDS))
        assert (observation.kind, observation.touched) == ("crashed", "")
