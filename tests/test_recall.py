"""What the self-test keeps from one exhibit to the next is what would be computed anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.reference import memo, oracle
from convgauge.reference.operands import Operands, draw

PROBLEM = Problem(2, 3, 8, 9, 4, (3, 2), bias=True)


@pytest.fixture
def remembering() -> Iterator[list[str]]:
    memo.remember(room=100_000)
    yield []
    memo._STORES.clear()


def test_nothing_is_kept_unasked() -> None:
    assert draw(PROBLEM) is not draw(PROBLEM)
    assert draw(PROBLEM).input.flags.writeable


def test_the_same_content_gives_what_it_gave(remembering: None) -> None:
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


def test_other_content_gives_another_answer(remembering: None) -> None:
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


def test_what_is_kept_cannot_be_changed(remembering: None) -> None:
    with pytest.raises(ValueError, match="read-only"):
        draw(PROBLEM).input[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        oracle.answer(PROBLEM, draw(PROBLEM))[0] = 0


def test_the_longest_unused_is_let_go(remembering: None) -> None:
    first, held = draw(PROBLEM, seed=1), draw(PROBLEM, seed=2)
    for seed in range(3, 200):
        draw(PROBLEM, seed=seed)
        assert draw(PROBLEM, seed=2) is held
    store = memo._STORES[0]
    assert draw(PROBLEM, seed=1) is not first
    assert 0 <= store.room < 100_000
    assert len(store.numbers) == sum(len(arrays) for _, arrays in store.kept.values())
    expected = oracle.answer(PROBLEM, first)  # let go, and still judged by its content
    np.testing.assert_array_equal(oracle.answer(PROBLEM, draw(PROBLEM, seed=1)), expected)
