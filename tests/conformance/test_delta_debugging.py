"""Tests of delta debugging: the shortest part of a sequence that still fails."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from convgauge.conformance.delta_debugging import ExhaustedError, shortest


@pytest.mark.parametrize("needed", [{17}, {0}, {63}, {3, 40}, {0, 31, 32, 63}, set(range(10, 16))])
def test_the_needed_items_are_found_in_their_order(needed: set[int]) -> None:
    assert shortest(range(64), lambda part: needed <= set(part)) == sorted(needed)


def test_a_count_of_items_is_found() -> None:
    assert len(shortest(range(50), lambda part: len(part) >= 36)) == 36


def test_a_single_item_needs_few_trials() -> None:
    trials: list[Sequence[int]] = []

    def fails(part: Sequence[int]) -> bool:
        trials.append(part)
        return 41 in part

    assert shortest(range(64), fails) == [41]
    assert len(trials) <= 12


def test_the_shortest_part_so_far_is_returned_when_the_trials_are_used_up() -> None:
    left = iter(range(3))

    def fails(part: Sequence[int]) -> bool:
        if next(left, None) is None:
            raise ExhaustedError
        return 5 in part

    part = shortest(range(64), fails)
    assert 5 in part
    assert 1 < len(part) < 64


def test_a_single_item_is_the_shortest_part() -> None:
    assert shortest([7], lambda part: pytest.fail("it needs no trial")) == [7]
