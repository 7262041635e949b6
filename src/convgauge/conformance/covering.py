"""Covering arrays: few rows in which every combination of t parameters' values occurs, and how far that is so.

Most faults that need more than one parameter to show need two or three (Kuhn, Wallace and Gallo 2004, *Software fault
interactions and implications for software testing*). What the rows achieve is counted, not presumed.
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

CANDIDATES = 6  # rows of which the best is taken
TRIES = 300  # random rows in which a combination is looked for before it is held to be impossible


@dataclass(frozen=True)
class CombinationCoverage:
    """Of the combinations of ``strength`` values that some allowed row holds, how many are in the rows at hand."""

    strength: int
    covered: int
    possible: int

    def __str__(self) -> str:
        share = 100.0 * self.covered / max(1, self.possible)
        return f"{self.covered} of {self.possible} combinations of {self.strength} parameters' values ({share:.4g} %)"


def combinations(row: Row, strength: int) -> Iterable[Combination]:
    """The combinations of ``strength`` values in a row."""
    return itertools.combinations(row.items(), strength)


def possible(
    factors: Mapping[str, Sequence[Any]], strength: int, allowed: Allowed, seed: int = 0
) -> dict[Combination, Row]:
    """Every combination of ``strength`` values that an allowed row was found to hold, with such a row."""
    chance = random.Random(seed)
    found: dict[Combination, Row] = {}
    for names in itertools.combinations(factors, strength):
        for values in itertools.product(*(factors[name] for name in names)):
            fixed = tuple(zip(names, values, strict=True))
            if fixed in found:
                continue
            row = _completed(factors, dict(fixed), allowed, chance)
            if row is not None:
                for combination in combinations(row, strength):
                    found.setdefault(combination, row)
    return found


def _completed(factors: Mapping[str, Sequence[Any]], fixed: Row, allowed: Allowed, chance: random.Random) -> Row | None:
    """An allowed row that holds the ``fixed`` values, if a random one is found."""
    for _ in range(TRIES):
        row = {name: fixed[name] if name in fixed else chance.choice(values) for name, values in factors.items()}
        if allowed(row):
            return row
    return None


def covering_array(
    factors: Mapping[str, Sequence[Any]], strength: int, allowed: Allowed = lambda row: True, seed: int = 0
) -> list[Row]:
    """Allowed rows in which every possible combination of ``strength`` factors' values occurs, most telling first.

    Each factor has a name and at least one value; ``allowed`` says whether a whole row makes sense. Greedy after
    AETG (Cohen, Dalal, Fredman and Patton 1997): of some rows that each hold a missing combination, the one that
    holds most of them. The same arguments always give the same rows.
    """
    chance = random.Random(seed)
    missing = possible(factors, strength, allowed, seed)
    rows = []
    while missing:
        wanted = list(itertools.islice(missing, CANDIDATES))
        candidates = [_greedy(factors, dict(one), missing, strength, chance) for one in wanted]
        good = [row for row in candidates if allowed(row)] + [missing[wanted[0]]]
        row = max(good, key=lambda row: sum(one in missing for one in combinations(row, strength)))
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
    """The row completed, factor by factor in random order, by the value that meets most missing combinations."""
    names = list(factors)
    free = [name for name in names if name not in row]
    chance.shuffle(free)
    for name in free:
        place = names.index(name)
        before = [(one, row[one]) for one in names[:place] if one in row]
        after = [(one, row[one]) for one in names[place + 1 :] if one in row]
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
    """The rows so that each adds as many new pairs as any of those behind it would: a beginning covers the most."""
    left = [(row, set(combinations(row, 2))) for row in rows]
    ordered = []
    while left:
        best = max(range(len(left)), key=lambda place: len(left[place][1]))
        row, new = left.pop(best)
        ordered.append(row)
        left = [(other, pairs - new) for other, pairs in left]
    return ordered


def measure_coverage(
    rows: Iterable[Row],
    factors: Mapping[str, Sequence[Any]],
    strength: int,
    allowed: Allowed = lambda row: True,
    seed: int = 0,
) -> CombinationCoverage:
    """How many of the possible combinations of ``strength`` values the rows hold."""
    wanted = possible(factors, strength, allowed, seed)
    held = {combination for row in rows for combination in combinations(row, strength)}
    return CombinationCoverage(strength, len(held & wanted.keys()), len(wanted))
