"""Regions of failures: the shortest rules that hold for every failing case and for no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convgauge.diagnosis.bounds import bounds, rounded
from convgauge.diagnosis.categories import CATEGORIES
from convgauge.diagnosis.condition import Condition
from convgauge.diagnosis.conditions import conditions
from convgauge.diagnosis.conjunctions import cheapest_conjunction
from convgauge.diagnosis.features import OPERAND_LAYOUTS, USUAL, Bools, Column, Fields, Table
from convgauge.diagnosis.separation import Cases

COST_OF_ONE = 2.2
"""Cost of a rule that a single case justifies: two switches, or one number."""

COST_OF_TWICE = 0.8
"""Cost that twice as many cases justify in addition: some of them resemble others."""

PASSING_BY_LUCK = 1.0
"""Cost that must be saved where some cases of a region may be outside: more rules fit then."""

_NAMES = tuple(name for name in USUAL if name != "spec")
"""Fields in which cases may differ."""


@dataclass(frozen=True)
class Region:
    """Cases that meet all conditions of a rule.

    Attributes
    ----------
    expression : str
        The rule, in the language of `convgauge.domain`; "" if a condition is on a field that it has not.
    sentence : str
        The rule in words: "padding differs by axis and stride > 1"; "" if it is met by every case.
    conditions : tuple of Condition
        Conditions.
    """

    expression: str = ""
    sentence: str = ""
    conditions: tuple[Condition, ...] = ()

    @property
    def is_of_layouts(self) -> bool:
        """True if the rule is about the memory layout of operands alone."""
        return bool(self.conditions) and all(
            condition.expression.startswith(tuple(OPERAND_LAYOUTS)) for condition in self.conditions
        )

    @property
    def cost(self) -> float:
        """Complexity of the rule."""
        return sum(condition.cost for condition in self.conditions)

    def contains(self, fields: Mapping[str, object]) -> bool:
        """Return True if a case meets the rule. Fields that it leaves out have their usual values."""
        return bool(self.holds(Table([{**USUAL, **fields}]))[0])

    def holds(self, table: Table) -> Bools:
        """Return True for each case of a table that meets the rule."""
        truths = [np.ones(len(table), np.bool_), *(condition.holds(table) for condition in self.conditions)]
        return np.asarray(np.all(truths, axis=0))

    @property
    def clause(self) -> str:
        """Return the rule with a preposition: "wherever padding differs by axis"; "" if it is met by every case."""
        is_clause = all(any(verb in each.sentence for verb in _VERBS) for each in self.conditions)
        return f"{'wherever' if is_clause else 'for'} {self.sentence}" if self.sentence else ""


_VERBS = (" differs by axis", " > ", " < ")


def either(expressions: Sequence[str]) -> str:
    """Return the expression that holds where one of several holds; "" if one of them is missing."""
    return " or ".join(f"({text})" for text in expressions) if all(expressions) else ""


class RegionSearch:
    """Search for the regions of subsets of a set of cases.

    Parameters
    ----------
    rows : sequence of mappings
        Fields of each case (`convgauge.domain`, and those of `FURTHER_FIELDS`). Fields that a row leaves out have their
        usual values.
    """

    def __init__(self, rows: Sequence[Fields]) -> None:
        complete = Table([{**USUAL, **row} for row in rows])
        first, self._numbers = complete.first_of_each(_NAMES)
        self._table = Table([complete.rows[number] for number in first])

    @cached_property
    def _candidates(self) -> tuple[list[Condition], Bools]:
        """Conditions, the simplest first and one for each set of cases, and a row of truths for each of them."""
        if not len(self._table):
            return [], np.zeros((0, 0), np.bool_)
        return _distinct(conditions(self._table), self._table)

    def find(self, inside: Bools, outside: Bools, *, max_outside_share: float = 0.0) -> Region | None:
        """Return the simplest region of all cases inside and none outside; None if there is no simple one.

        Parameters
        ----------
        inside, outside : array of bool
            Subsets of the cases.
        max_outside_share : float
            Largest share of the region's cases that are outside.
        """
        inside, outside = np.asarray(inside, np.bool_), np.asarray(outside, np.bool_)
        if not inside.any():
            return None
        if not outside.any():
            return Region()
        is_inside, weights = self._counts(inside) > 0, self._counts(outside)
        allowed = int(max_outside_share / (1 - max_outside_share) * inside.sum())
        proposed, remains = self._consistent(is_inside, weights > 0)
        costs = np.array([condition.cost for condition in proposed])
        budget = COST_OF_ONE + COST_OF_TWICE * float(np.log2(is_inside.sum()))
        budget -= PASSING_BY_LUCK * (allowed > 0)
        rule = cheapest_conjunction(remains, weights[weights > 0], costs, allowed, budget)
        return None if rule is None else self._region([proposed[n] for n in rule], is_inside, weights > 0)

    def find_several(
        self, inside: Bools, outside: Bools, max_regions: int = 3, *, max_outside_share: float = 0.0
    ) -> list[Region]:
        """Return regions of which every case inside is in one, the one of the most cases first; [] if there are none.

        Parameters
        ----------
        inside, outside : array of bool
            Subsets of the cases.
        max_regions : int
            Largest number of regions.
        max_outside_share : float
            Largest share of a region's cases that are outside.
        """
        inside, outside = np.asarray(inside, np.bool_), np.asarray(outside, np.bool_)
        left = self._counts(inside)
        cases = Cases(self._candidates[1].T.astype(np.float32), left.copy(), self._counts(outside))
        regions: list[Region] = []
        while left.any() and len(regions) < max_regions:
            columns = cases.separating(left, 1 - max_outside_share)
            rows = (left > 0) & cases.values[:, columns].all(axis=1)
            region = self.find(inside & rows[self._numbers], outside, max_outside_share=max_outside_share)
            if region is None or not columns:
                return []
            regions.append(region)
            left[region.holds(self._table)] = 0
        return [] if left.any() else regions

    def _counts(self, cases: Bools) -> Column:
        """Return how many of some cases have the fields of each row of the table."""
        return np.bincount(self._numbers[cases], minlength=len(self._table))

    def _consistent(self, inside: Bools, outside: Bools) -> tuple[list[Condition], Bools]:
        """Return the conditions that all cases inside meet, and for each the cases outside that meet it as well."""
        proposed, holds = self._candidates
        consistent = np.flatnonzero(holds[:, inside].all(axis=1))
        rows = np.flatnonzero(inside)
        members = (c.membership(self._table.rows[row][c.name] for row in rows) for c in CATEGORIES)
        further = [*bounds(self._table, inside), *(condition for condition in members if condition is not None)]
        truths = np.array([condition.holds(self._table)[outside] for condition in further], np.bool_)
        remains = np.vstack([holds[np.ix_(consistent, np.flatnonzero(outside))], truths])
        return [*(proposed[number] for number in consistent), *further], remains

    def _region(self, rule: list[Condition], inside: Bools, outside: Bools) -> Region:
        """Return the region of a rule, with usual values for its bounds."""
        for number in range(len(rule)):
            others = [condition.holds(self._table) for condition in (*rule[:number], *rule[number + 1 :])]
            alone = outside & ~rule[number].holds(self._table) & np.all([outside, *others], axis=0)
            rule[number] = rounded(rule[number], self._table, inside, alone)
        return _of_conditions(sorted(rule, key=lambda condition: (condition.cost, condition.sentence)))


def _distinct(proposed: Sequence[Condition], table: Table) -> tuple[list[Condition], Bools]:
    """Return the first condition for each set of cases, and the truths of each."""
    holds = np.array([condition.holds(table) for condition in proposed], np.bool_)
    first: dict[bytes, int] = {}
    for number, row in enumerate(np.packbits(holds, axis=1)):
        first.setdefault(row.tobytes(), number)
    dividing = [number for number in first.values() if holds[number].any() and not holds[number].all()]
    return [proposed[number] for number in dividing], holds[dividing]


def _of_conditions(chosen: Sequence[Condition]) -> Region:
    expressions = [condition.expression for condition in chosen]
    parts = [f"({text})" if " or " in text else text for text in expressions] if len(chosen) > 1 else expressions
    expression = " and ".join(parts) if all(expressions) else ""
    return Region(expression, " and ".join(condition.sentence for condition in chosen), tuple(chosen))


def find_region(
    inside: Sequence[Fields], outside: Sequence[Fields], *, max_outside_share: float = 0.0
) -> Region | None:
    """Return the shortest rule that all cases inside meet and none outside; None if there is no short one.

    Parameters
    ----------
    inside, outside : sequences of mappings
        Fields of cases (`convgauge.domain`, and those of `FURTHER_FIELDS`).
    max_outside_share : float
        Largest share of the region's cases that are outside: 0 if a fault shows on every case of its region.
    """
    is_inside = np.arange(len(inside) + len(outside)) < len(inside)
    search = RegionSearch([*inside, *outside])
    return search.find(is_inside, ~is_inside, max_outside_share=max_outside_share)


def find_regions(
    inside: Sequence[Fields], outside: Sequence[Fields], max_regions: int = 3, *, max_outside_share: float = 0.0
) -> list[Region]:
    """Return short rules of which each case inside meets one and no case outside meets any; [] if there are none.

    Parameters
    ----------
    inside, outside : sequences of mappings
        Fields of cases (`convgauge.domain`, and those of `FURTHER_FIELDS`).
    max_regions : int
        Largest number of rules.
    max_outside_share : float
        Largest share of a rule's cases that are outside.
    """
    is_inside = np.arange(len(inside) + len(outside)) < len(inside)
    search = RegionSearch([*inside, *outside])
    return search.find_several(is_inside, ~is_inside, max_regions, max_outside_share=max_outside_share)
