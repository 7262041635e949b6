"""Regions: the fewest and simplest rules that hold for every positive case and exclude every negative one.

A rule is an index of a row of a matrix of truths, one row per condition and one column per case. Cases are positive
(the implementation answered) or negative. The search is exact unless it needs more than `MAX_STEPS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from convgauge.diagnosis.features import Bools

Costs = NDArray[np.float64]

MAX_STEPS = 4_000
"""Steps of the search for the cheapest set of rules: a fraction of a second. The best set by then is taken."""


@dataclass(frozen=True)
class Rules:
    """Rules that explain the negative cases.

    Attributes
    ----------
    rules : tuple of int
        Rows of the conditions.
    unexplained : tuple of int
        Columns of the negative cases that no condition excludes that holds for every positive case.
    rivals : dict
        For each rule, the rows of the other conditions that exclude the negative cases that only this rule excludes.
    """

    rules: tuple[int, ...] = ()
    unexplained: tuple[int, ...] = ()
    rivals: dict[int, tuple[int, ...]] = field(default_factory=dict)


def find_rules(holds: Bools, costs: Costs, is_positive: Bools) -> Rules:
    """Return the cheapest conditions that hold for all positive cases and together exclude the negative ones.

    Parameters
    ----------
    holds : array of bool, shape (conditions, cases)
        True if a case meets a condition.
    costs : array of float, shape (conditions,)
        Complexity of each condition; the sum of those of the rules is minimal.
    is_positive : array of bool, shape (cases,)
        True for the positive cases.

    Returns
    -------
    Rules
        The rules, and the negative cases that no condition explains.
    """
    consistent = np.flatnonzero(holds[:, is_positive].all(axis=1))
    negative = np.flatnonzero(~is_positive)
    excludes = ~holds[np.ix_(consistent, negative)]
    explained = excludes.any(axis=0)
    excludes = excludes[:, explained]
    chosen = _cheapest_cover(excludes, costs[consistent])
    rivals = {int(consistent[rule]): tuple(map(int, consistent[_rivals(excludes, chosen, rule)])) for rule in chosen}
    rules = tuple(int(consistent[rule]) for rule in chosen)
    return Rules(rules, tuple(map(int, negative[~explained])), rivals)


def _rivals(excludes: Bools, chosen: Sequence[int], rule: int) -> NDArray[np.intp]:
    """Return the rows that exclude every column that, of the chosen rows, only ``rule`` excludes."""
    others = [other for other in chosen if other != rule]
    alone = excludes[rule] & ~excludes[others].any(axis=0)
    rows = np.flatnonzero(excludes[:, alone].all(axis=1))
    return np.asarray(rows[rows != rule])


def _cheapest_cover(excludes: Bools, costs: Costs) -> list[int]:
    """Return the rows of the least total cost of which some row excludes each column."""
    if not excludes.shape[1]:
        return []
    columns = np.unique(excludes, axis=1)
    rows = _undominated(columns, costs)
    search = _Search(columns[rows], costs[rows])
    return sorted(int(rows[row]) for row in search.run())


def _undominated(columns: Bools, costs: Costs) -> NDArray[np.intp]:
    """Return the rows of which no cheaper or equal one excludes all that they exclude, in the order of their costs."""
    undominated: list[int] = []
    for row in np.lexsort((-columns.sum(axis=1), costs)):
        if columns[row].any() and not (columns[undominated] >= columns[row]).all(axis=1).any():
            undominated.append(int(row))
    return np.array(undominated, np.intp)


class _Search:
    """Branch and bound: the column that the fewest rows exclude is excluded by each of them in turn."""

    def __init__(self, columns: Bools, costs: Costs) -> None:
        self.columns, self.costs = columns, costs
        self.best: list[int] = []
        self.best_cost = np.inf
        self.steps = 0

    def run(self) -> list[int]:
        """Return the rows of the cheapest cover that is found."""
        self.best = self._greedy()
        self.best_cost = float(self.costs[self.best].sum())
        self._branch([], 0.0, np.ones(self.columns.shape[1], np.bool_))
        return self.best

    def _greedy(self) -> list[int]:
        chosen: list[int] = []
        left = np.ones(self.columns.shape[1], np.bool_)
        while left.any():
            row = int(np.argmax((self.columns & left).sum(axis=1) / self.costs))
            chosen.append(row)
            left &= ~self.columns[row]
        for row in list(chosen):
            others = [other for other in chosen if other != row]
            if self.columns[others].any(axis=0).all():
                chosen = others
        return chosen

    def _branch(self, chosen: list[int], cost: float, left: Bools) -> None:
        self.steps += 1
        if not left.any():
            self.best, self.best_cost = chosen, cost
            return
        reachable = np.flatnonzero(left)
        hardest = reachable[np.argmin(self.columns[:, reachable].sum(axis=0))]
        for row in np.flatnonzero(self.columns[:, hardest]):  # in the order of their costs
            total = cost + float(self.costs[row])
            if total >= self.best_cost or self.steps >= MAX_STEPS:
                return
            self._branch([*chosen, int(row)], total, left & ~self.columns[row])
