"""Regions: the rules are consistent, complete and the cheapest."""

from __future__ import annotations

import numpy as np

from convgauge.diagnosis.regions import find_rules


def rules(holds: list[str], costs: list[float], positive: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return rules and unexplained cases; "1" in a string stands for True."""
    matrix = np.array([[letter == "1" for letter in row] for row in holds], np.bool_)
    result = find_rules(matrix, np.array(costs), np.array([letter == "1" for letter in positive], np.bool_))
    return result.rules, result.unexplained


def test_a_rule_holds_for_every_positive_case() -> None:
    assert rules(["1100", "0100"], [2.0, 1.0], "1100") == ((0,), ())


def test_the_cheaper_of_two_rules_is_taken() -> None:
    assert rules(["100", "100"], [2.0, 1.0], "100") == ((1,), ())


def test_two_rules_are_taken_if_no_single_one_excludes_all() -> None:
    assert rules(["1101", "1011", "1100"], [1.0, 1.0, 5.0], "1000") == ((1, 2), ())


def test_greed_is_corrected() -> None:
    """The row that excludes most columns per cost belongs to no cheapest set."""
    assert rules(["10000111", "11110000", "11001001"], [1.0, 1.0, 0.9], "10000000") == ((0, 1), ())


def test_a_case_that_nothing_excludes_is_unexplained() -> None:
    assert rules(["101", "111"], [1.0, 1.0], "100") == ((0,), (2,))


def test_rivals_exclude_the_same_cases() -> None:
    holds = np.array([[True, False, True], [True, False, False], [True, True, False]])
    result = find_rules(holds, np.array([1.0, 1.5, 1.0]), np.array([True, False, True]))
    assert (result.rules, result.rivals) == ((0,), {0: ()})
    result = find_rules(holds, np.array([1.0, 1.5, 1.0]), np.array([True, False, False]))
    assert result.rules == (1,)
    assert result.rivals == {1: ()}
    result = find_rules(holds, np.array([1.0, 2.5, 1.0]), np.array([True, False, False]))
    assert result.rules == (0, 2)
    assert result.rivals == {0: (1,), 2: (1,)}
