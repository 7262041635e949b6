"""Tests of cases: the text form of a case reads back, that of older reports included."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convgauge.conformance.cases import BASE, Case, cases, problems, sweep, thin, visible_shares
from convgauge.conformance.invalid_calls import INVALID_CALLS
from convgauge.problem import Problem, ProblemError


def test_every_invalid_call_reads_back() -> None:
    for name in INVALID_CALLS:
        case = Case(BASE, seed=3, invalid_call=name)
        assert Case.parse(str(case)) == case


def test_the_text_of_an_invalid_call_in_older_reports_is_read() -> None:
    name = next(iter(INVALID_CALLS))
    older = f"{BASE.text};tamper={name};seed=3"
    assert Case.parse(older) == replace(Case(BASE, seed=3), invalid_call=name)


def test_every_part_of_a_case_reads_back() -> None:
    case = Case(BASE, "wide", 7, ("fortran", "contiguous", "negative"), (("stride", 2), ("bias", None)), prepared=True)
    assert Case.parse(str(case)) == case
    assert case.keywords()["stride"] == 2
    assert "bias" not in case.keywords()
    with pytest.raises(ProblemError, match="is not operands="):
        Case.parse(f"{BASE.text};colour=red")
    with pytest.raises(ProblemError, match="is not a literal"):
        Case.parse(f"{BASE.text};stride:x y")


def test_tables_leave_out_what_is_no_convolution() -> None:
    table = problems(kernel=[(3, 3), (40, 40)], stride=[(1, 1), (2, 1)], groups=1)
    assert [(problem.kernel, problem.stride) for problem in table] == [((3, 3), (1, 1)), ((3, 3), (2, 1))]
    assert [problem.kernel for problem in sweep(BASE, "kernel_h", [1, 5, 99])] == [(1, 2), (5, 2)]
    assert [problem.batch for problem in sweep(BASE, "batch", [0, 3])] == [0, 3]


def test_thinned_cases_are_spread_from_the_first_to_the_last() -> None:
    table = cases(sweep(BASE, "height", range(3, 103)), seed=4)
    thinned = thin(table, 10)
    assert len(thinned) == 10
    assert (thinned[0], thinned[-1]) == (table[0], table[-1])
    assert thin(table[:10], 10) == table[:10]
    assert {case.seed for case in table} == {4}


def test_visible_shares_count_outputs_that_depend_on_the_input() -> None:
    assert list(visible_shares(Problem(height=2, width=4, kernel=(1, 1), padding=(1, 0)))) == [0.5, 1.0]
