"""Learner: rules follow from outcomes, and the next cases decide between a rule and its rivals."""

from __future__ import annotations

from typing import Any

import pytest

from convgauge.diagnosis.features import Fields, Table
from convgauge.diagnosis.learner import Learner
from convgauge.domain import Domain, fields_of
from convgauge.problem import Problem

BASE = Problem(in_channels=2, out_channels=2, height=20, width=20, kernel=(3, 3))


def fields(**changes: Any) -> Fields:
    """Return the fields of a problem that differs from `BASE`."""
    return fields_of(BASE.replace(**changes))


CASES = [
    fields(),
    *(fields(batch=batch) for batch in (2, 3, 4)),
    *(fields(width=width) for width in (18, 19, 21, 22, 23, 24, 30)),
    *(fields(stride=stride) for stride in ((1, 2), (2, 1), (2, 2))),
    *(fields(dilation=dilation) for dilation in ((1, 2), (2, 1), (2, 2))),
    fields(stride=(2, 2), dilation=(2, 2)),
    fields(stride=(2, 2), width=22),
    fields(height=10, width=10),
    fields(groups=2),
]


def learned(expression: str, cases: list[Fields] = CASES) -> Learner:
    """Return a learner of the cases, of which those inside a domain are answered."""
    domain = Domain.parse(expression)
    learner = Learner(CASES)
    learner.add(cases, [domain.contains(case) for case in cases])
    return learner


@pytest.mark.parametrize(
    "expressions",
    [
        {"batch == 1"},
        {"batch == 1", "groups == 1"},
        {"stride_h == 1 and stride_w == 1"},
        {"stride_h == stride_w", "dilation_h == 1 and dilation_w == 1"},
        {"stride_h == 1 and stride_w == 1 or dilation_h == 1 and dilation_w == 1"},
    ],
)
def test_rules_are_the_conditions_of_the_domain(expressions: set[str]) -> None:
    learner = learned(" and ".join(f"({expression})" for expression in expressions))
    assert {rule.expression for rule in learner.rules} == expressions
    assert not learner.unexplained


def test_equal_cases_of_both_outcomes_are_unexplained() -> None:
    learner = Learner(CASES)
    learner.add([CASES[0], CASES[1], CASES[0]], [True, True, False])
    assert learner.unexplained == [2]
    assert not learner.rules


def test_a_decisive_case_is_one_about_which_a_rule_and_its_rivals_disagree() -> None:
    known = [fields(), fields(width=30)]
    learner = learned("width <= 22", known)
    (rule,) = learner.rules
    table = Table([fields(batch=4), fields(width=18), fields(width=24)])
    assert learner.decisive(rule, table, 3)
    for case in learner.decisive(rule, table, 3):
        learner.add([table.rows[case]], [Domain.parse("width <= 22").contains(table.rows[case])])
    assert [rule.holds(table).tolist() for rule in learner.rules] == [[True, True, False]]


def test_violators_are_the_negative_cases_of_one_rule_alone() -> None:
    learner = learned("batch == 1 and groups == 1", [*CASES, fields(batch=2, groups=2)])
    numbers = {rule.expression: learner.violators(rule) for rule in learner.rules}
    assert numbers == {"batch == 1": [1, 2, 3], "groups == 1": [len(CASES) - 1]}
    (rule, _) = learner.rules
    table = Table([fields(), fields(batch=2), fields(groups=2), fields(batch=2, groups=2)])
    assert learner.is_inside(table).tolist() == [True, False, False, False]
    assert learner.outside_one(rule, table) == [1]


def test_a_gap_lies_between_the_cases_next_to_a_bound() -> None:
    assert learned("width <= 24").gaps() == {"width": range(25, 30)}
    assert learned("width <= 22").gaps() == {}
    assert learned("batch == 1").gaps() == {}
