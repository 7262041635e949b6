"""Learner: rules that grow with the evidence, and the further cases that would decide between them and their rivals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convgauge.diagnosis.atom import RELATION, Atom
from convgauge.diagnosis.atoms import alternatives, atoms, memberships
from convgauge.diagnosis.features import Bools, Fields, Table
from convgauge.diagnosis.regions import Rules, find_rules

MAX_ALTERNATIVES = 200
"""Alternatives of two atoms that are considered for one unexplained case, the simplest first."""

MAX_INTERACTIONS = 3
"""Unexplained cases for which alternatives are sought in one search."""


class Learner:
    """Search for the rules of an implementation's domain.

    Parameters
    ----------
    sample : sequence of mappings
        Fields of cases whose values suggest the atoms; their outcomes need not be known.
    """

    def __init__(self, sample: Sequence[Fields]) -> None:
        self._atoms = atoms(Table(sample))
        self._interactions: list[Atom] = []
        self._rows: list[Fields] = []
        self._holds = np.zeros((len(self._atoms), 0), np.bool_)
        self._positive: list[bool] = []
        self._rules = Rules()
        self._conditions: list[Atom] = []

    def add(self, rows: Sequence[Fields], is_positive: Sequence[bool]) -> None:
        """Add cases with their outcomes, and search for the rules again."""
        if rows:
            self._rows += rows
            self._positive += is_positive
            self._holds = np.hstack([self._holds, _truths(self._atoms, Table(rows))])
        self._search()

    @property
    def rules(self) -> list[Atom]:
        """Conditions that hold for all positive cases and together exclude the negative ones."""
        return [self._conditions[rule] for rule in self._rules.rules]

    @property
    def unexplained(self) -> list[int]:
        """Numbers of the negative cases that no condition explains, in the order in which cases were added."""
        return list(self._rules.unexplained)

    def violators(self, rule: Atom) -> list[int]:
        """Return the numbers of the negative cases that violate this rule and no other."""
        table = Table(self._rows)
        holds = _truths([rule, *(other for other in self.rules if other is not rule)], table)
        alone = ~holds[0] & holds[1:].all(axis=0) & ~np.array(self._positive, np.bool_)
        return [int(number) for number in np.flatnonzero(alone)]

    def gaps(self) -> dict[str, range]:
        """Return, for each number that a rule bounds, the values between the positive and the negative cases."""
        table, is_positive = Table(self._rows), np.array(self._positive, np.bool_)
        gaps = {}
        for rule in self.rules:
            alone = self.violators(rule)
            for name in rule.bounded if alone else ():
                numbers = table.numbers(name)
                low, high = numbers[is_positive].min(), numbers[is_positive].max()
                below, above = numbers[alone][numbers[alone] < low], numbers[alone][numbers[alone] > high]
                if above.size:
                    gaps[name] = range(int(high) + 1, int(above.min()))
                elif below.size:
                    gaps[name] = range(int(below.max()) + 1, int(low))
        return {name: values for name, values in gaps.items() if values}

    def _search(self) -> None:
        table, is_positive = Table(self._rows), np.array(self._positive, np.bool_)
        for _ in range(MAX_INTERACTIONS + 1):
            further = [*memberships(table, is_positive), *self._interactions]
            holds = np.vstack([self._holds, _truths(further, table)])
            self._conditions = [*self._atoms, *further]
            costs = np.array([atom.cost for atom in self._conditions])
            self._rules = find_rules(holds, costs, is_positive)
            if not self._rules.unexplained or not is_positive.any():
                return
            interactions = self._alternatives(self._rules.unexplained[0], is_positive)
            if not interactions:
                return
            self._interactions = [*interactions, *self._interactions][: MAX_INTERACTIONS * MAX_ALTERNATIVES]

    def _alternatives(self, negative: int, is_positive: Bools) -> list[Atom]:
        """Return the simplest alternatives of two atoms that exclude a negative case and hold for all positive ones."""
        candidates = [row for row in np.flatnonzero(~self._holds[:, negative]) if self._atoms[row].cost <= 2 * RELATION]
        violated = (~self._holds[np.ix_(candidates, np.flatnonzero(is_positive))]).astype(np.float32)
        first, second = np.nonzero(np.triu(violated @ violated.T == 0, 1))
        costs = np.array([self._atoms[row].cost for row in candidates])
        simplest = np.argsort(costs[first] + costs[second], kind="stable")[:MAX_ALTERNATIVES]
        atoms = [self._atoms[row] for row in candidates]
        return alternatives((atoms[first[pair]], atoms[second[pair]]) for pair in simplest)

    # --- further cases ---

    def is_inside(self, table: Table) -> Bools:
        """Return True for each case of a table that meets all rules."""
        return np.asarray(_truths(self.rules, table).all(axis=0))

    def outside_one(self, rule: Atom, table: Table) -> list[int]:
        """Return the numbers of the cases of a table that violate one rule and no other."""
        others = [other for other in self.rules if other is not rule]
        return [int(n) for n in np.flatnonzero(~rule.holds(table) & _truths(others, table).all(axis=0))]

    def decisive(self, rule: Atom, table: Table, count: int) -> list[int]:
        """Return the numbers of the cases of a table that best decide between a rule and its rivals.

        Such a case meets the other rules, and the rule and its rivals disagree about it. The best one halves them by
        weight; the simpler a condition, the heavier.
        """
        number = next(n for n in self._rules.rules if self._conditions[n] is rule)
        rivals = [self._conditions[rival] for rival in self._rules.rivals[number]]
        others = [other for other in self.rules if other is not rule]
        if not rivals or not len(table):
            return []
        holds = _truths([rule, *rivals], table)
        weights = np.array([2.0 ** -(2 * atom.cost) for atom in (rule, *rivals)])
        score = np.minimum(weights @ holds, weights @ ~holds) * _truths(others, table).all(axis=0)
        best = np.argsort(-score, kind="stable")[:count]
        return [int(case) for case in best if score[case] > 0]


def _truths(conditions: Sequence[Atom], table: Table) -> NDArray[np.bool_]:
    """Return a row per condition and a column per case: True if the case meets the condition."""
    if not conditions or not len(table):
        return np.zeros((len(conditions), len(table)), np.bool_)
    return np.array([condition.holds(table) for condition in conditions], np.bool_)
