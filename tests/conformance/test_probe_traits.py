"""Traits of probes: chosen cases combine what was not combined before."""

from __future__ import annotations

from convgauge.conformance.cases import Case
from convgauge.conformance.probe_traits import pairs, spread, traits
from convgauge.problem import Problem


def test_groups_are_chosen_by_what_they_add() -> None:
    covered: set[object] = {"a"}
    groups: list[frozenset[object]] = [frozenset("ab"), frozenset("abc"), frozenset("cd"), frozenset("a")]
    assert spread(groups, 2, covered) == [1, 2]
    assert covered == set("abcd")
    assert spread(groups[:1], 3, covered) == [0]


def test_traits_are_features_divisors_dtype_and_spellings() -> None:
    case = Case(Problem(in_channels=4, out_channels=3, height=5, width=7), arguments=(("stride", 1),))
    assert {"in_channels % 4", "no bias", "float32", "stride: int", "h"} <= traits(case)
    assert not {"in_channels % 8", "out_channels % 2", "bias"} & traits(case)
    assert ("float32", "stride: int") in pairs(case)
