"""Plans: the plan of a problem gives the exact output, and changed padding reads what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convgauge.diagnosis.plan import NoOutputError, Plan, TooExpensiveError, pad_with_zeros
from convgauge.problem import Problem
from convgauge.reference.operands import draw
from convgauge.reference.oracle import answer

PROBLEMS = (
    "n2c4h7w8_o6k3x2_s2x1_p1x2_d1x2_g2_b_float32",
    "n1c3h5w4_o3k2x4_s1x1_psame_d2x1_g3_complex64",
    "n2c2h6w3_o4k1x3_s3x2_p0x3_d1x1_g1_b_int32",
    "n1c0h4w4_o3k3x3_s1x1_p1x1_d1x1_g3_float64",
    "n0c2h4w4_o2k3x3_s1x1_pvalid_d1x1_g1_bfloat16",
)


@pytest.mark.parametrize("text", PROBLEMS)
def test_the_plan_of_a_problem_gives_the_exact_output(text: str) -> None:
    problem = Problem.parse(text)
    operands = draw(problem)
    output = Plan.of(problem, operands.input, operands.weight, operands.bias).output()
    assert output.dtype == operands.input.dtype
    np.testing.assert_array_equal(output, answer(problem, operands))


def test_negative_pads_cut_off() -> None:
    image = np.arange(12.0).reshape(1, 1, 3, 4)
    padded = pad_with_zeros(image, ((-1, 1), (2, -3)))
    assert padded[0, 0].tolist() == [[0, 0, 4], [0, 0, 8], [0, 0, 0]]
    assert not pad_with_zeros(image, ((0, 0), (5, -7))).any()


def test_a_kernel_beyond_the_padded_input_has_no_output() -> None:
    problem = Problem.parse("n1c1h3w3_o1k3x3_s1x1_p0x0_d1x1_g1_float32")
    plan = Plan(np.ones((1, 1, 2, 3)), np.ones(problem.weight_shape), None, (1, 1), ((0, 0),) * 2, (1, 1), 1, "float32")
    with pytest.raises(NoOutputError):
        plan.output()


def test_a_plan_that_needs_too_much_memory_is_too_expensive() -> None:
    problem = Problem.parse("n1c1h3w3_o1k1x1_s1x1_p9x9_d1x1_g1_float32")
    operands = draw(problem)
    plan = Plan.of(problem, operands.input, operands.weight, operands.bias)
    with pytest.raises(TooExpensiveError):
        replace(plan, stride=(99999, 99999), pads=((70000, 70000), (70000, 70000))).output()
    with pytest.raises(TooExpensiveError):
        plan.finish(lambda output: pad_with_zeros(output, ((70000, 70000), (70000, 70000)))).output()


def test_sums_that_may_overflow_are_stated_for_plans_with_and_without_an_output() -> None:
    problem = Problem(1, 2, 3, 3, 1, (2, 2))
    operands = draw(problem, "exact", 0)
    plan = Plan.of(problem, operands.input, operands.weight, operands.bias)
    assert not plan.may_overflow
    assert replace(plan, input=plan.input * 1e38, weight=plan.weight * 1e38).may_overflow
    assert not replace(plan, dilation=(9, 9)).may_overflow  # the kernel is larger than the input
