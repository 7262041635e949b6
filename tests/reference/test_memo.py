"""Tests of the memo: the results in it are those that would be computed again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.reference import memo, oracle
from convgauge.reference.operands import Operands, draw

PROBLEM = Problem(2, 3, 8, 9, 4, (3, 2), bias=True)


@pytest.fixture
def small_memo() -> Iterator[memo.Memo]:
    yield memo.enable(100_000)
    memo.disable()


def test_nothing_is_memoized_by_default() -> None:
    memo.disable()  # a self-test in this process enables it
    assert draw(PROBLEM) is not draw(PROBLEM)
    assert draw(PROBLEM).input.flags.writeable


def test_the_same_content_gives_the_same_result(small_memo: memo.Memo) -> None:
    operands = draw(PROBLEM, "gaussian", 3)
    assert draw(PROBLEM, "gaussian", 3) is operands
    assert draw(PROBLEM, "gaussian", 4) is not operands
    expected = oracle.answer(PROBLEM, operands)
    assert oracle.answer(PROBLEM, operands) is expected
    copied = Operands(operands.input.copy(), operands.weight.copy(), operands.bias)
    first = oracle.answer(PROBLEM, copied)  # of the same content, known by the content alone
    np.testing.assert_array_equal(first, expected)
    again = Operands(operands.input.copy(), operands.weight.copy(), operands.bias)
    assert oracle.answer(PROBLEM, again) is first


def test_other_content_gives_another_answer(small_memo: memo.Memo) -> None:
    operands = draw(PROBLEM)
    expected = oracle.answer(PROBLEM, operands)
    for change in ("input", "weight", "bias"):
        parts = {name: getattr(operands, name).copy() for name in ("input", "weight", "bias")}
        parts[change].reshape(-1)[-1] += 1
        changed = Operands(**parts)
        assert not np.array_equal(oracle.answer(PROBLEM, changed), expected)
        parts[change].reshape(-1)[-1] -= 1  # in place: the same arrays, with the old content
        np.testing.assert_array_equal(oracle.answer(PROBLEM, Operands(**parts)), expected)
    assert oracle.magnitude(PROBLEM, operands) is not expected
    other = PROBLEM.replace(padding=(1, 1))
    assert oracle.answer(other, operands).shape == other.output_shape


def test_results_in_the_memo_are_read_only(small_memo: memo.Memo) -> None:
    with pytest.raises(ValueError, match="read-only"):
        draw(PROBLEM).input[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        oracle.answer(PROBLEM, draw(PROBLEM))[0] = 0


def test_the_least_recently_used_is_dropped(small_memo: memo.Memo) -> None:
    first, held = draw(PROBLEM, seed=1), draw(PROBLEM, seed=2)
    for seed in range(3, 200):
        draw(PROBLEM, seed=seed)
        assert draw(PROBLEM, seed=2) is held
    assert draw(PROBLEM, seed=1) is not first
    assert 0 <= small_memo.free_bytes < 100_000
    assert len(small_memo.numbers) == sum(len(arrays) for _, arrays in small_memo.entries.values())
    expected = oracle.answer(PROBLEM, first)  # dropped, and still identified by its content
    np.testing.assert_array_equal(oracle.answer(PROBLEM, draw(PROBLEM, seed=1)), expected)
