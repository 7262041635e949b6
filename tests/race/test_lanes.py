"""Precision is measured: each arithmetic is in its lane, for short sums and long ones."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.dtypes import round_to
from convgauge.problem import Problem
from convgauge.race.lanes import allowed_error, lane_of, lanes, typical_error
from convgauge.race.workload import Workload
from convgauge.reference import oracle
from convgauge.reference.operands import Array, Operands, draw

CHANNELS = [1, 16, 256, 2048]


def problem_of(channels: int, dtype: str = "float32") -> Problem:
    return Problem(in_channels=channels, height=8, width=8, out_channels=4, kernel=(3, 3), padding=(1, 1), dtype=dtype)


def rounded(operands: Operands, dtype: str) -> Operands:
    input, weight = (round_to(array, dtype).astype(np.float64) for array in (operands.input, operands.weight))
    return Operands(input, weight, None)


def summed(problem: Problem, operands: Operands, dtype: str) -> Array:
    """Return the output of products that are added one after the other, each sum rounded."""
    total = np.zeros(problem.output_shape)
    padded = np.pad(operands.input, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for channel in range(problem.in_channels):
        for row in range(3):
            for column in range(3):
                part = padded[:, channel, None, row : row + 8, column : column + 8]
                total = round_to(total + part * operands.weight[None, :, channel, row, column, None, None], dtype)
                total = total.astype(np.float64)
    return total


def lane_name(problem: Problem, operands: Operands, output: Array) -> str | None:
    lane = lane_of(Workload(problem), typical_error(output, oracle.answer(problem, operands)))
    return None if lane is None else lane.name


@pytest.mark.parametrize("channels", CHANNELS)
def test_arithmetic_of_float32_problems(channels: int) -> None:
    problem = problem_of(channels)
    operands = draw(problem, "gaussian", 3)
    wide = problem.replace(dtype="float64")
    assert lane_name(problem, operands, summed(problem, operands, "float32")) == ""
    narrow = oracle.answer(wide, rounded(operands, "float16"))
    assert lane_name(problem, operands, narrow) == "TF32 or float16 operands"
    narrow = oracle.answer(wide, rounded(operands, "bfloat16"))
    assert lane_name(problem, operands, narrow) in ("bfloat16 operands", "float16 sums"), "equal for 144 products"
    if channels >= 16:
        assert lane_name(problem, operands, summed(problem, rounded(operands, "float16"), "float16")) != ""
    noise = np.random.default_rng(0).normal(0, 1, problem.output_shape)
    assert lane_name(problem, operands, noise) is None


@pytest.mark.parametrize("channels", CHANNELS)
def test_arithmetic_of_float64_and_float16_problems(channels: int) -> None:
    problem = problem_of(channels, "float64")
    operands = draw(problem, "gaussian", 3)
    assert lane_name(problem, operands, summed(problem, operands, "float64")) == ""
    assert lane_name(problem, operands, summed(problem, rounded(operands, "float32"), "float32")) == "float32 sums"
    half = problem_of(channels, "float16")
    operands = draw(half, "gaussian", 3)
    exact = oracle.answer(problem, rounded(operands, "float16"))
    assert lane_name(half, operands, round_to(exact, "float16")) == ""
    if channels >= 256:
        assert lane_name(half, operands, summed(half, operands, "float16")) == "float16 sums"


def test_lanes_are_in_the_order_of_their_errors_and_integers_have_one() -> None:
    for dtype in ("float64", "float32", "float16", "bfloat16"):
        allowed = [lane.allowed for lane in lanes(Workload(problem_of(64, dtype)))]
        assert allowed == sorted(allowed)
        assert len(allowed) > 1
        assert lanes(Workload(problem_of(64, dtype)))[0].name == ""
    assert len(lanes(Workload(problem_of(64, "int32")))) == 1


def test_few_wrong_outputs_do_not_look_like_low_precision() -> None:
    problem = problem_of(16)
    expected = oracle.answer(problem, draw(problem, "gaussian", 3))
    output = expected.astype(np.float32)
    output[0, 0, :4] += 1.0
    assert typical_error(output, expected) < 1e-6
    output[:] = np.nan
    assert lane_of(Workload(problem), typical_error(output, expected)) is None


def test_the_error_allowed_grows_with_the_sum() -> None:
    assert allowed_error(Workload(problem_of(16))) < allowed_error(Workload(problem_of(64)))
    assert allowed_error(Workload(problem_of(16, "float16"))) > 2.0**-11
