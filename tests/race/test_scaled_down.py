"""Tests of smaller problems of the same kind."""

from __future__ import annotations

import pytest

from convgauge.problem import Problem
from convgauge.race.scaled_down import scaled_down


@pytest.mark.parametrize("flops", [1, 10_000, 2_000_000])
@pytest.mark.parametrize(
    "text",
    [
        "n1c8h16w16_o8k3x3_s1x1_p1x1_d1x1_g1_b_float32",
        "n4c32h56w56_o64k7x7_s2x2_p3x3_d1x1_g32_float32",
        "n1c9h7w7_o5k1x1_s1x1_p0x0_d1x1_g1_float32",
    ],
)
def test_a_part_of_a_problem_is_of_its_kind_and_small(text: str, flops: int) -> None:
    problem = Problem.parse(text)
    part = scaled_down(problem, flops)
    smallest = problem.replace(batch=1, in_channels=1, out_channels=1, groups=1, bias=False).flops
    assert part.flops <= max(flops, smallest)
    assert part.flops == problem.flops or part.flops >= min(flops, problem.flops) / 8
    assert (part.kernel, part.stride, part.dtype) == (problem.kernel, problem.stride, problem.dtype)


def test_a_small_problem_is_its_own_part() -> None:
    problem = Problem.parse("n1c8h16w16_o8k3x3_s1x1_p1x1_d1x1_g1_float32")
    assert scaled_down(problem, problem.flops) is problem
