"""Covering arrays: few rows in which every combination of t parameters' values occurs, and their coverage.

Most faults that depend on more than one parameter depend on two or three (Kuhn, Wallace and Gallo 2004, *Software fault
interactions and implications for software testing*). The coverage of the rows is counted.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Combination = tuple[tuple[str, Any], ...]
Allowed = Callable[[Row], bool]

CANDIDATES = 6
"""Rows of which the best is selected."""
TRIES = 300
"""Random rows that are tried before a combination counts as impossible."""


@dataclass(frozen=True)
class CombinationCoverage:
    """Number of the possible combinations of ``strength`` values, and of those that the rows contain."""

    strength: int
    covered: int
    possible: int

    def __str__(self) -> str:
        share = 100.0 * self.covered / max(1, self.possible)
        return f"{self.covered} of {self.possible} combinations of {self.strength} parameters' values ({share:.4g} %)"


def combinations(row: Row, strength: int) -> Iterable[Combination]:
    """Return the combinations of ``strength`` values in a row."""
    return itertools.combinations(row.items(), strength)


def possible_combinations(
    factors: Mapping[str, Sequence[Any]], strength: int, allowed: Allowed, seed: int = 0
) -> dict[Combination, Row]:
    """Return every combination of ``strength`` values for which an allowed row was found, with that row.

    Parameters
    ----------
    factors : mapping
        Values of each factor, by its name.
    strength : int
        Number of factors of a combination.
    allowed : callable
        Function of a row that returns True if the row makes sense.
    seed : int
        Seed of the random rows.
    """
    chance = random.Random(seed)
    rows: dict[Combination, Row] = {}
    for names in itertools.combinations(factors, strength):
        for values in itertools.product(*(factors[name] for name in names)):
            fixed = tuple(zip(names, values, strict=True))
            if fixed in rows:
                continue
            row = _completed(factors, dict(fixed), allowed, chance)
            if row is not None:
                for combination in combinations(row, strength):
                    rows.setdefault(combination, row)
    return rows


def _completed(factors: Mapping[str, Sequence[Any]], fixed: Row, allowed: Allowed, chance: random.Random) -> Row | None:
    """Return an allowed random row with the ``fixed`` values, or None if none is found."""
    for _ in range(TRIES):
        row = {name: fixed[name] if name in fixed else chance.choice(values) for name, values in factors.items()}
        if allowed(row):
            return row
    return None


def covering_array(
    factors: Mapping[str, Sequence[Any]], strength: int, allowed: Allowed = lambda row: True, seed: int = 0
) -> list[Row]:
    """Return allowed rows in which every possible combination of ``strength`` factors' values occurs.

    The algorithm is greedy: of some rows that each contain a missing combination, it selects the one with most of them.
    The first rows cover the most pairs. The same arguments always give the same rows.

    Parameters
    ----------
    factors : mapping
        Values of each factor, at least one, by its name.
    strength : int
        Number of factors of a combination.
    allowed : callable
        Function of a row that returns True if the row makes sense.
    seed : int
        Seed of the random choices.

    Source
    ------
    Cohen, Dalal, Fredman and Patton 1997, The AETG system.
    """
    chance = random.Random(seed)
    missing = possible_combinations(factors, strength, allowed, seed)
    rows = []
    while missing:
        wanted = list(itertools.islice(missing, CANDIDATES))
        candidates = [_greedy(factors, dict(combination), missing, strength, chance) for combination in wanted]
        good = [row for row in candidates if allowed(row)] + [missing[wanted[0]]]
        row = max(good, key=lambda row: sum(combination in missing for combination in combinations(row, strength)))
        rows.append(row)
        for combination in combinations(row, strength):
            missing.pop(combination, None)
    return _ordered(rows) if len(rows) < 500 else rows


def _greedy(
    factors: Mapping[str, Sequence[Any]],
    row: Row,
    missing: Mapping[Combination, Row],
    strength: int,
    chance: random.Random,
) -> Row:
    """Complete the row, factor by factor in random order, by the value with most missing combinations."""
    names = list(factors)
    free = [name for name in names if name not in row]
    chance.shuffle(free)
    for name in free:
        index = names.index(name)
        before = [(other, row[other]) for other in names[:index] if other in row]
        after = [(other, row[other]) for other in names[index + 1 :] if other in row]
        around = [
            (left, right)
            for size in range(strength)
            for left in itertools.combinations(before, size)
            for right in itertools.combinations(after, strength - 1 - size)
        ]
        values = list(factors[name])
        chance.shuffle(values)
        gains = [sum((*left, (name, value), *right) in missing for left, right in around) for value in values]
        row[name] = values[gains.index(max(gains))]
    return {name: row[name] for name in names}


def _ordered(rows: list[Row]) -> list[Row]:
    """Order the rows so that each adds as many new pairs as any later row would: the first rows cover the most."""
    left = [(row, set(combinations(row, 2))) for row in rows]
    ordered = []
    while left:
        best = max(range(len(left)), key=lambda index: len(left[index][1]))
        row, new = left.pop(best)
        ordered.append(row)
        left = [(other, pairs - new) for other, pairs in left]
    return ordered


def measure_coverage(
    rows: Iterable[Row],
    factors: Mapping[str, Sequence[Any]],
    strength: int,
    allowed: Allowed = lambda row: True,
) -> CombinationCoverage:
    """Count the possible combinations of ``strength`` values that the rows contain.

    Parameters
    ----------
    rows : iterable of Row
        Rows.
    factors, strength, allowed
        As for `covering_array`.
    """
    wanted = possible_combinations(factors, strength, allowed)
    held = {combination for row in rows for combination in combinations(row, strength)}
    return CombinationCoverage(strength, len(held & wanted.keys()), len(wanted))
