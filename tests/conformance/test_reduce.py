"""Tests of reduction: simplifications are valid and smaller, and few trials find the smallest case."""

from __future__ import annotations

import math

from convgauge.conformance.cases import Case, with_arguments
from convgauge.conformance.reduce import shrink, simplifications
from convgauge.problem import Problem

LARGE = Problem(3, 4, 8, 9, 6, (3, 2), (2, 2), (1, 1), (2, 1), 2, True)


def test_simplifications_leave_the_arguments_that_the_call_spells() -> None:
    case = with_arguments(LARGE, {"stride": 2, "padding": 1})
    for simplified in simplifications(case):
        assert (simplified.problem.stride, simplified.problem.padding) == ((2, 2), (1, 1))
        assert simplified.arguments == case.arguments


def test_simplifications_differ_from_the_case_and_from_one_another() -> None:
    simplified = list(simplifications(Case(LARGE, layouts=("fortran", "contiguous", "negative"))))
    assert all(case != Case(LARGE, layouts=("fortran", "contiguous", "negative")) for case in simplified)
    assert simplified[0].layouts == ("contiguous",) * 3
    assert not list(simplifications(Case(Problem())))


def test_the_smallest_failing_case_is_found_in_few_trials() -> None:
    trials: list[Case] = []

    def fails(case: Case) -> bool:
        trials.append(case)
        return case.problem.stride[1] > 1 and case.problem.width > 2

    smallest = shrink(Case(LARGE), fails, 150, math.inf)
    assert smallest.problem.text == "n1c1h1w3_o1k1x1_s1x2_p0x0_d1x1_g1_float32"
    assert len(trials) < 40


def test_neither_budget_nor_deadline_is_exceeded() -> None:
    trials: list[Case] = []

    def fails(case: Case) -> bool:
        trials.append(case)
        return True

    shrink(Case(LARGE), fails, 3, math.inf)
    assert len(trials) == 3
    assert shrink(Case(LARGE), fails, 3, -math.inf) == Case(LARGE)
    assert len(trials) == 3
