"""Tests of covering arrays and of their coverage."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from convgauge.conformance.covering import Row, combinations, covering_array, measure_coverage

FACTORS: dict[str, Sequence[Any]] = {
    "a": [1, 2, 3],
    "b": ["x", "y"],
    "c": [True, False],
    "d": [(0, 0), (1, 2), (3, 1), (2, 2)],
}


@pytest.mark.parametrize("strength", [1, 2, 3, 4])
def test_every_combination_is_in_some_row(strength: int) -> None:
    rows = covering_array(FACTORS, strength)
    held = {combination for row in rows for combination in combinations(row, strength)}
    for names in itertools.combinations(FACTORS, strength):
        for values in itertools.product(*(FACTORS[name] for name in names)):
            assert tuple(zip(names, values, strict=True)) in held


def test_pairs_need_few_rows() -> None:
    assert 12 <= len(covering_array(FACTORS, 2)) <= 16  # 3 x 4 is the least; the product has 48


def test_rows_are_allowed_and_what_cannot_be_is_not_asked_for() -> None:
    def allowed(row: Row) -> bool:
        return (row["a"], row["b"]) != (1, "x")

    rows = covering_array(FACTORS, 2, allowed)
    assert all(map(allowed, rows))
    achieved = measure_coverage(rows, FACTORS, 2, allowed)
    assert achieved.covered == achieved.possible == 44 - 1  # 3*2 + 3*2 + 3*4 + 2*2 + 2*4 + 2*4 pairs


def test_coverage_counts_what_is_missing() -> None:
    rows = covering_array(FACTORS, 2)
    assert measure_coverage(rows[:1], FACTORS, 2).covered == 6
    assert measure_coverage([], FACTORS, 2).covered == 0
    assert measure_coverage(rows, FACTORS, 3).covered < measure_coverage(rows, FACTORS, 3).possible
    assert "of 44 combinations of 2 parameters' values (100 %)" in str(measure_coverage(rows, FACTORS, 2))


def test_a_beginning_covers_more_than_its_share() -> None:
    rows = covering_array(FACTORS, 2)
    half = measure_coverage(rows[: len(rows) // 2], FACTORS, 2)
    assert half.covered > half.possible / 2


def test_the_same_arguments_give_the_same_rows() -> None:
    assert covering_array(FACTORS, 2, seed=3) == covering_array(FACTORS, 2, seed=3)
