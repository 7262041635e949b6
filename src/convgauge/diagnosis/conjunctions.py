"""Conjunctions: the cheapest one to three conditions that together exclude every case outside a region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convgauge.diagnosis.features import Bools

Numbers = NDArray[np.float32]


MAX_CONDITIONS = 3
"""Conditions of one region: most faults need two or three parameters to show (Kuhn, Wallace and Gallo 2004)."""


def cheapest_conjunction(
    remains: Bools, counts: NDArray[np.intp], costs: NDArray[np.float64], allowed: int, budget: float
) -> list[int] | None:
    """Return the rows of the least total cost that leave at most ``allowed`` cases; None if there are no such rows.

    Parameters
    ----------
    remains : array of bool, shape (conditions, cases)
        True if a case outside meets a condition, so that this condition does not exclude it.
    counts : array of int, shape (cases,)
        Number of cases that each column stands for.
    costs : array of float, shape (conditions,)
        Costs of the conditions.
    allowed : int
        Number of cases outside that may remain.
    budget : float
        Largest total cost.
    """
    if not len(costs):
        return None
    columns, weights = _distinct_columns(remains, counts)
    rows = _undominated(np.asarray(columns * weights @ columns.T, np.float32), costs)
    columns, costs = columns[rows], costs[rows]
    best = _cheapest(columns, weights, costs, allowed, budget)
    return None if best is None else [int(rows[row]) for row in best]


def _distinct_columns(remains: Bools, counts: NDArray[np.intp]) -> tuple[Numbers, Numbers]:
    """Return each column that occurs, and the number of cases that it stands for."""
    packed = np.ascontiguousarray(np.packbits(remains, axis=0).T)
    keys = packed.view([("", f"V{packed.shape[1]}")]).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return remains[:, first].astype(np.float32), np.bincount(inverse, counts).astype(np.float32)


def _undominated(common: Numbers, costs: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the rows of which no cheaper or equal one leaves fewer cases, a subset of theirs, the cheapest first."""
    order = np.argsort(costs, kind="stable")
    left = np.diagonal(common)
    is_subset = common >= left[None, :]  # [i, j]: the cases that j leaves are among those that i leaves
    undominated: list[int] = []
    for row in order:
        if not is_subset[row, undominated].any():
            undominated.append(int(row))
    return np.array(undominated, np.intp)


def _cheapest(
    columns: Numbers, weights: Numbers, costs: NDArray[np.float64], allowed: int, budget: float
) -> list[int] | None:
    """Return the cheapest rows of at most three, of which the costs are sorted."""
    best: list[int] | None = None
    singles = np.flatnonzero(columns @ weights <= allowed)
    if singles.size and costs[singles[0]] <= budget:
        best, budget = [int(singles[0])], float(costs[singles[0]])
    everything = np.arange(len(costs))
    pair = _cheapest_pair(columns, weights, costs, allowed, budget)
    if pair is not None:
        best, budget = pair, float(costs[pair].sum())
    for first in _firsts(columns, allowed):
        others = everything[everything != first]
        if len(others) < 2 or costs[first] + costs[others[:2]].sum() >= budget:
            continue
        cases = columns[first] > 0
        pair = _cheapest_pair(columns[:, cases], weights[cases], costs, allowed, budget - costs[first])
        if pair is not None and first not in pair:
            best = [int(first), *pair]
            budget = float(costs[best].sum())
    return best


def _firsts(columns: Numbers, allowed: int) -> NDArray[np.intp]:
    """Return rows of which one is in every rule: those that exclude the case that the fewest rows exclude."""
    if allowed or not columns.size:
        return np.arange(len(columns))
    excluded = (columns == 0).sum(axis=0)
    return np.flatnonzero(columns[:, np.argmin(excluded)] == 0)


def _cheapest_pair(
    columns: Numbers, weights: Numbers, costs: NDArray[np.float64], allowed: int, budget: float
) -> list[int] | None:
    """Return the two rows of the least cost below a budget that leave at most ``allowed`` cases together."""
    count = int(np.searchsorted(costs, budget - costs[0])) if len(costs) else 0
    columns, costs = columns[:count], costs[:count]
    total = costs[:, None] + costs[None, :]
    is_pair = (columns * weights @ columns.T <= allowed) & (total < budget)
    first, second = np.nonzero(np.triu(is_pair, 1))
    if not first.size:
        return None
    least = int(np.argmin(total[first, second]))
    return [int(first[least]), int(second[least])]
