"""Tests of projections: right outputs are confirmed, and every wrong one is compared with the oracle's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.reference import oracle, projection
from convgauge.reference.operands import Operands, draw

Array = np.ndarray[Any, Any]

BASE = Problem(batch=2, in_channels=6, height=7, width=9, out_channels=8, kernel=(3, 2), padding=(1, 2), bias=True)
LARGE = BASE.replace(in_channels=64, out_channels=96, height=37, width=41)
PROBLEMS = [
    BASE,
    BASE.replace(batch=1, bias=False),
    BASE.replace(stride=(2, 3), dilation=(2, 1)),
    BASE.replace(groups=2),
    BASE.replace(padding="same", kernel=(4, 2)),
    BASE.replace(kernel=(1, 1), padding=(0, 0), groups=2, stride=(3, 2)),
    BASE.replace(in_channels=4100, batch=5),
]


def exact(problem: Problem) -> tuple[Operands, Array]:
    operands = draw(problem, "exact", 3)
    return operands, oracle.answer(problem, operands)


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_the_exact_output_is_confirmed(problem: Problem, dtype: str) -> None:
    problem = problem.replace(dtype=dtype)
    operands, output = exact(problem)
    assert projection.confirms(problem, operands, output)


def one_more(output: Array) -> Array:
    output[-1, -1, -1, -1] += 1
    return output


CHANGES: dict[str, Callable[[Array], Array]] = {
    "one more": one_more,
    "images exchanged": lambda output: output[::-1],
    "channels exchanged": lambda output: output[:, ::-1],
    "rows exchanged": lambda output: output[:, :, ::-1],
    "zeros": np.zeros_like,
    "NaN": lambda output: np.full_like(output, np.nan),
    "infinite": lambda output: np.full_like(output, np.inf),
    "negative": np.negative,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_wrong_output_is_not_confirmed(name: str) -> None:
    for problem in PROBLEMS[:5]:
        operands, output = exact(problem)
        changed = CHANGES[name](output.copy())
        with np.errstate(invalid="ignore"):
            assert np.array_equal(changed, output) or not projection.confirms(problem, operands, changed)


def test_errors_with_a_sum_of_zero_are_not_confirmed() -> None:
    """Plain sums over channels or images would hide errors that cancel."""
    operands, output = exact(BASE)
    output[0, 0, 0, 0] += 5
    output[0, 1, 0, 0] -= 5
    output[1, 0, 0, 0] -= 5
    output[1, 1, 0, 0] += 5
    assert not projection.confirms(BASE, operands, output)


def test_a_confirmed_output_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    operands, output = exact(LARGE)
    given = output.astype(np.float32) + np.float32(0.125)

    def never(*_: object) -> Array:
        raise AssertionError("the oracle was asked")

    monkeypatch.setattr(oracle, "answer", never)
    assert np.array_equal(projection.answer(LARGE, operands, given, 0.25), output)
    assert np.array_equal(projection.answer(LARGE, operands, output.astype(np.float32), 0.0), output)


@pytest.mark.parametrize("given", ["wrong", "not integers", "other shape", "none"])
def test_any_other_output_is_compared_with_the_oracle(given: str) -> None:
    operands, output = exact(LARGE)
    others = {"wrong": one_more(output.copy()), "not integers": output + 0.125, "other shape": output[:1], "none": None}
    assert np.array_equal(projection.answer(LARGE, operands, others[given], 0.0), output)


def test_small_problems_and_other_dtypes_are_left_to_the_oracle() -> None:
    assert projection.is_worthwhile(LARGE)
    assert not projection.is_worthwhile(BASE)
    assert not projection.is_worthwhile(LARGE.replace(dtype="complex64"))
    assert not projection.is_worthwhile(LARGE.replace(batch=1, in_channels=96, groups=96, height=300, width=300))


@pytest.mark.parametrize(("limit", "prime"), [(2, 2), (10, 7), (11, 11), (1 << 20, 1_048_573)])
def test_primes(limit: int, prime: int) -> None:
    assert projection.largest_prime(limit) == prime
