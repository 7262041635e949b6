"""Tests of verification: correct outputs of every dtype pass, and every fault is found."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.race.lanes import lane_of, lanes, typical_error
from convgauge.race.verification import ExpectedCall, Verification, find_fault, flipped, readable_indices
from convgauge.race.workload import Workload
from convgauge.reference import oracle
from convgauge.reference.operands import Array

LAYER = Problem.parse("n2c16h9w8_o6k3x3_s2x1_p1x0_d1x1_g2_b_float32")
POINTWISE = Problem.parse("n1c8h11w12_o4k1x1_s2x3_p0x0_d1x1_g1_float32")


def right(case: ExpectedCall, dtype: str) -> Array:
    expected = case.expected
    return round_to(expected, dtype) if DTYPES[dtype].kind == "f" else expected.astype(DTYPES[dtype].carrier)


def fault(problem: Problem, case: ExpectedCall, output: Array, dtype: str, grade: str) -> str:
    """Return the fault of an output that is held to the precision of the problem's dtype."""
    return find_fault(problem, case, output, dtype, grade, lanes(Workload(problem))[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_right_answer_is_taken_in_every_dtype(dtype: str) -> None:
    problem = LAYER.replace(dtype=dtype)
    verification = Verification(Workload(problem), seed=3)
    for family, number in (("exact", 0), (verification.work.family, 1)):
        case = verification.call(family, number)
        assert fault(problem, case, right(case, dtype), dtype, "A") == ""


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_integer_that_is_off_by_one_is_seen_in_every_dtype(dtype: str) -> None:
    problem = LAYER.replace(dtype=dtype)
    case = Verification(Workload(problem), seed=3).call("exact", 0)
    answer = right(case, dtype)
    answer[1, 2, 3, 4] += 1
    complaint = fault(problem, case, answer, dtype, "B")
    assert "1 of" in complaint
    assert "output[1, 2, 3, 4]" in complaint


def test_shape_dtype_and_nan_are_seen() -> None:
    case = Verification(Workload(LAYER), seed=0).call("gaussian", 1)
    answer = right(case, "float32")
    assert "shape" in fault(LAYER, case, answer[:1], "float32", "A")
    assert "dtype is float64" in fault(LAYER, case, answer, "float64", "A")
    answer[0, 0, 0, 0] = np.nan
    assert "got nan" in fault(LAYER, case, answer, "float32", "A")


@pytest.mark.parametrize("channels", [16, 64, 512, 4096])
def test_narrowed_operands_are_seen_however_long_the_sum(channels: int) -> None:
    """Operands rounded to 11 binary digits, as TF32 has them, and float32 sums of the operands as they are."""
    problem = Problem(in_channels=channels, height=6, width=6, out_channels=4, kernel=(3, 3), padding=(1, 1))
    case = Verification(Workload(problem), seed=1).call("gaussian", 1)
    drawn = case.request.drawn.operands
    narrow = type(drawn)(round_to(drawn.input, "float16").astype(np.float32), drawn.weight, None)
    answer = oracle.answer(problem, narrow).astype(np.float32)
    assert fault(problem, case, answer, "float32", "B") != ""
    lane = lane_of(Workload(problem), typical_error(answer, case.expected))
    assert lane is not None
    assert lane.name == "TF32 or float16 operands"
    assert find_fault(problem, case, answer, "float32", "B", lane) == ""
    answer[0, 1, 2, 3] += 0.1 * np.sqrt(np.mean(answer**2))
    assert "1 of" in find_fault(problem, case, answer, "float32", "B", lane)
    plain = np.zeros(problem.output_shape, np.float32)
    columns = next(oracle.unfold(problem, oracle.pad(problem, drawn.input, "float32")))[0, 0]
    for weight, column in zip(drawn.weight.reshape(4, -1).T, columns, strict=True):  # one product after the other
        plain += (weight[:, None] * column).reshape(problem.output_shape)
    assert fault(problem, case, plain, "float32", "A") == ""


@pytest.mark.parametrize("problem", [LAYER, POINTWISE, LAYER.replace(dtype="int32"), LAYER.replace(dtype="bfloat16")])
def test_every_change_to_the_input_changes_the_answer(problem: Problem) -> None:
    """Test that the output of the previous call is wrong, also if a stride leaves most of the input unread."""
    (operands,) = Verification(Workload(problem), seed=5).sets(1)
    indices = readable_indices(Workload(problem), operands, seed=0)
    assert len(indices) > 20
    before = oracle.answer(problem, operands.operands)
    for index in indices[:20]:
        case = flipped(Workload(problem), operands, index)
        stale = round_to(before, problem.dtype) if DTYPES[problem.dtype].kind == "f" else before.astype(problem.dtype)
        assert fault(problem, case, stale, problem.dtype, "B") != ""


def test_operands_differ_from_check_to_check_and_from_seed_to_seed() -> None:
    first, second = Verification(Workload(LAYER), seed=1), Verification(Workload(LAYER), seed=2)
    drawn = [first.call("exact", 0), first.call("exact", 2), second.call("exact", 0)]
    inputs = [case.request.drawn.changing.tobytes() for case in drawn]
    assert len(set(inputs)) == 3
