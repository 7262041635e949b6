"""Bounds and values of numbers that describe a region of failures, read off the cases inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from convgauge.diagnosis.atom import BOUND, DERIVED_COST, NUMBER, ONE_AXIS
from convgauge.diagnosis.condition import Bound, Condition, in_words
from convgauge.diagnosis.features import AXES, COUNTS, PRODUCTS, Axes, Bools, Column, Table

VALUE = 0.2
"""Surcharge of one value of a number, beside that of a divisor: it may repeat the sample instead of a rule."""


NONE = ("", "")
"""Expression and words of a condition that no region is described by."""


@dataclass(frozen=True)
class Number:
    """A number of a case: its column, its expressions and words, and the surcharge of a condition on it."""

    column: Callable[[Table], Column]
    above: tuple[str, str]
    below: tuple[str, str]
    equal: tuple[str, str]
    surcharge: float

    def conditions(self, low: int, high: int) -> Iterator[Condition]:
        """Yield the conditions that cases from ``low`` to ``high`` meet."""
        cost = BOUND + self.surcharge
        if self.above != NONE:
            yield Bound(self.column, True, *self.above, cost).at(low - 1)
            yield Bound(self.column, False, *self.below, cost).at(high + 1)
        if self.equal != NONE and low == high >= 0:
            expression, sentence = self.equal
            cost = NUMBER + VALUE + self.surcharge
            yield Condition(
                expression.format(low), sentence.format(f"{low:,}"), cost, lambda table: self.column(table) == low
            )


@cache
def numbers() -> tuple[Number, ...]:
    """Return the numbers that describe regions."""
    counts = [_of_name(name, words) for name, words in (COUNTS | PRODUCTS).items()]
    return (*counts, *(number for axes in AXES for number in _of_axes(axes)))


def _of_name(name: str, words: str, surcharge: float = 0.0) -> Number:
    surcharge += DERIVED_COST if words != name or name == "reduction" else 0.0
    words = in_words(words)
    return Number(
        lambda table: table.numbers(name),
        (f"{name} > {{}}", f"{words} > {{}}"),
        (f"{name} < {{}}", f"{words} < {{}}"),
        (f"{name} == {{}}", f"{words} {{}}"),
        surcharge,
    )


def _of_axes(axes: Axes) -> Iterator[Number]:
    """Yield the height, the width, and the larger and the smaller of them."""
    surcharge = DERIVED_COST if axes.height == "out_h" else 0.0
    for name in (axes.height, axes.width):
        yield _of_name(name, name, surcharge + ONE_AXIS)
    names = (axes.height, axes.width)
    both = axes.words.replace(" or ", " and ")
    along = "" if both != axes.words else " along both axes"
    kinds = {kind: tuple(f"{name} {kind} {{0}}" for name in names) for kind in (">", "<", "==")}
    equal = (" and ".join(kinds["=="]), "{0}×{0} kernel" if both == "kernel" else f"{both} {{}}")
    yield Number(lambda table: _shared(*map(table.numbers, names)), NONE, NONE, equal, surcharge)
    yield Number(
        lambda table: np.maximum(*map(table.numbers, names)),
        (" or ".join(kinds[">"]), f"{axes.words} > {{}}"),
        (" and ".join(kinds["<"]), f"{both} < {{}}{along}"),
        NONE,
        surcharge,
    )
    yield Number(
        lambda table: np.minimum(*map(table.numbers, names)),
        (" and ".join(kinds[">"]), f"{both} > {{}}{along}"),
        (" or ".join(kinds["<"]), f"{axes.words} < {{}}"),
        NONE,
        surcharge,
    )


def _shared(heights: Column, widths: Column) -> Column:
    """Return the number of both axes, or -1 where they differ."""
    return np.where(heights == widths, heights, -1)


def bounds(table: Table, inside: Bools) -> list[Condition]:
    """Return the tightest bounds of the numbers of the cases inside, and the values that all of them share."""
    columns = ((number, number.column(table)[inside]) for number in numbers())
    return [each for number, column in columns for each in number.conditions(int(column.min()), int(column.max()))]


def rounded(condition: Condition, table: Table, inside: Bools, outside: Bools) -> Condition:
    """Return a bound with the most usual value that separates the cases inside from those outside.

    Another condition is returned as it is.
    """
    bound = condition.bound
    if bound is None or not outside.any():
        return condition
    column = bound.column(table)
    if bound.is_above:
        values = range(int(column[inside].min()) - 1, int(column[outside].max()) - 1, -1)
    else:
        values = range(int(column[inside].max()) + 1, int(column[outside].min()) + 1)
    return bound.at(_most_usual(values, 1 if bound.is_above else -1)) if values else condition


def _most_usual(values: range, step: int) -> int:
    """Return the first of the values that is a power of two, else one beside it, else a multiple of ten."""
    tests = (
        _is_power,
        lambda value: _is_power(value + step),
        lambda value: _is_power(value - step),
        lambda value: value > 0 and value % 10 == 0,
    )
    usual = (value for test in tests for value in values if test(value))
    return next(usual, values[0])


def _is_power(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0
