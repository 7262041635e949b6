"""Tests of the operand sets of timed calls."""

from __future__ import annotations

import numpy as np

from convgauge.problem import Problem
from convgauge.race import timed_operands
from convgauge.race.timed_operands import HOT_SETS, MAX_COLD_SETS, TimedOperands, set_count
from convgauge.race.verification import Verification
from convgauge.race.workload import Workload

PROBLEM = Problem.parse("n1c8h16w16_o8k3x3_s1x1_p1x1_d1x1_g1_b_float32")


def test_cold_sets_take_twice_the_cache_within_bounds() -> None:
    size = 4 * (8 * 16 * 16 + 8 * 8 * 3 * 3)
    assert set_count(PROBLEM, 5 * size) == 10
    assert set_count(PROBLEM, 0) == HOT_SETS
    assert set_count(PROBLEM, 1 << 40) == MAX_COLD_SETS
    assert timed_operands.largest_cache_bytes() > 1 << 10


def test_each_call_has_operands_and_an_answer_of_its_own() -> None:
    operands = TimedOperands(Verification(Workload(PROBLEM), seed=1), threads=1, is_cold=False)
    assert len(operands.sets) == HOT_SETS
    cases = [operands.case(tick) for tick in range(6)]
    inputs = [case.request.drawn.changing for case in cases]
    assert len({input.tobytes() for input in inputs}) == len(inputs)
    for tick, (case, input) in enumerate(zip(cases, inputs, strict=True)):
        changed = np.argwhere(input != operands.sets[tick % HOT_SETS].changing)
        assert len(changed) == 1
        assert case.expected.shape == PROBLEM.output_shape
    assert operands.case(0) is cases[0]


def test_a_problem_without_elements_has_unchanged_operands() -> None:
    operands = TimedOperands(Verification(Workload(PROBLEM.replace(batch=0)), seed=1), threads=1, is_cold=False)
    assert operands.case(3).expected.shape == (0, 8, 16, 16)
