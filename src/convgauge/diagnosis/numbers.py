"""Atoms of one number: a value, a bound, a divisor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from convgauge.diagnosis.atom import BOUND, DERIVED_COST, NUMBER, ONE_AXIS, PLAIN, Atom, Test, of_numbers
from convgauge.diagnosis.features import AXES, COUNTS, Axes, Bools, Column, Table

DIVISORS = (2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64)
"""Divisors that a size may need: small ones, and the sizes of blocks and vectors."""

ROUND = (10, 16, 32, 64, 100, 128, 256, 512, 1024)
"""Bounds that are more likely than their neighbours, if the cases do not decide."""

ROUND_DISCOUNT = 0.01
"""Discount of a round bound; it is below all differences of costs."""


@dataclass(frozen=True)
class _Condition:
    """Condition on one number: its expression and words, those of its contrary, its cost, and its test."""

    expression: str
    negation: str
    affirmative: str
    contrary: str
    cost: float
    test: Callable[[Column], Bools]
    is_bound: bool = False


def _conditions(values: Sequence[int]) -> Iterator[_Condition]:
    """Yield conditions on a number of which the sorted ``values`` occur. "{}" stands for the number's name."""
    for value in sorted({*values, *(value for value in ROUND if values[0] < value < values[-1])}):
        if value == 0:
            yield _Condition("{} == 0", "{} > 0", "{} 0", "{} > 0", PLAIN, _at_most(0))
            yield _Condition("{} > 0", "{} == 0", "{} > 0", "{} 0", PLAIN, _at_least(1))
        elif value == 1:
            yield _Condition("{} == 1", "", "{} 1", "{} > 1", PLAIN, _exactly(1))
            yield _Condition("{} <= 1", "{} > 1", "{} up to 1", "{} > 1", BOUND, _at_most(1))
        else:
            yield from _of_value(value)
    for divisor in DIVISORS:
        words = f"{{}} a multiple of {divisor}", f"{{}} not a multiple of {divisor}"
        affirmative, contrary = ("even {}", "odd {}") if divisor == 2 else words
        remainder = f"{{}} % {divisor}"
        test = _multiple(divisor)
        yield _Condition(f"{remainder} == 0", f"{remainder} != 0", affirmative, contrary, NUMBER, test)
    yield _Condition("{} % 2 == 1", "{} % 2 == 0", "odd {}", "even {}", NUMBER, lambda column: column % 2 == 1)


def _of_value(value: int) -> Iterator[_Condition]:
    bound = BOUND - ROUND_DISCOUNT * (value in ROUND)
    at_most, at_least, equal = f"{{}} <= {value}", f"{{}} >= {value}", f"{{}} == {value}"
    above, below, other = f"{{}} > {value}", f"{{}} < {value}", f"{{}} != {value}"
    yield _Condition(at_most, above, f"{{}} up to {value}", above, bound, _at_most(value), True)
    yield _Condition(at_least, below, f"{{}} > {value - 1}", below, bound, _at_least(value), True)
    yield _Condition(equal, other, f"{{}} {value}", f"{{}} other than {value}", NUMBER, _exactly(value))


def _at_most(value: int) -> Callable[[Column], Bools]:
    return lambda column: column <= value


def _at_least(value: int) -> Callable[[Column], Bools]:
    return lambda column: column >= value


def _exactly(value: int) -> Callable[[Column], Bools]:
    return lambda column: column == value


def _multiple(divisor: int) -> Callable[[Column], Bools]:
    return lambda column: column % divisor == 0


def _on_both(axes: Axes, test: Callable[[Column], Bools]) -> Test:
    return lambda table: test(table.numbers(axes.height)) & test(table.numbers(axes.width))


def count_atoms(table: Table) -> Iterator[Atom]:
    """Yield conditions on a number without an axis."""
    for name, words in COUNTS.items():
        yield from number_atoms(name, words, np.unique(table.numbers(name)).tolist())


def number_atoms(name: str, words: str, values: Sequence[int], surcharge: float | None = None) -> Iterator[Atom]:
    """Yield conditions on a number by its name and its words, with the sorted ``values`` as bounds."""
    if surcharge is None:
        surcharge = DERIVED_COST if words != name or name == "reduction" else 0.0
    for condition in _conditions(values):
        yield Atom(
            condition.expression.format(name),
            condition.contrary.format(words),
            condition.cost + surcharge,
            of_numbers((name,), condition.test),
            (name,) if condition.is_bound else (),
            condition.affirmative.format(words),
            condition.negation.format(name),
        )


def axis_atoms(table: Table) -> Iterator[Atom]:
    """Yield conditions on a number of the height, of the width, and of both."""
    for axes in AXES:
        numbers = [table.numbers(name) for name in (axes.height, axes.width)]
        yield from atoms_of_axes(axes, *(np.unique(values).tolist() for values in (*numbers, np.concatenate(numbers))))


def atoms_of_axes(axes: Axes, heights: Sequence[int], widths: Sequence[int], values: Sequence[int]) -> Iterator[Atom]:
    """Yield conditions on the height, on the width, and on both, with sorted values of each as bounds."""
    surcharge = DERIVED_COST if axes.height == "out_h" else 0.0
    for name, bounds in ((axes.height, heights), (axes.width, widths)):
        yield from number_atoms(name, name, bounds, surcharge + ONE_AXIS)
    for condition in _conditions(values):
        yield _on_both_axes(axes, condition, surcharge)


def _on_both_axes(axes: Axes, condition: _Condition, surcharge: float) -> Atom:
    """Return the atom that both numbers meet a condition; its contrary is that one of them does not."""
    names = (axes.height, axes.width)
    return Atom(
        " and ".join(condition.expression.format(name) for name in names),
        condition.contrary.format(axes.words),
        condition.cost + surcharge,
        _on_both(axes, condition.test),
        names if condition.is_bound else (),
        _of_both(condition.affirmative, axes.words),
        " or ".join(condition.negation.format(name) for name in names) if condition.negation else "",
    )


def _of_both(affirmative: str, words: str) -> str:
    """Return the words for cases of which both numbers meet a condition."""
    sentence = affirmative.format(words.replace(" or ", " and "))
    is_clear = " or " in words or affirmative in ("{} 0", "{} 1") or " up to " in affirmative
    return sentence if is_clear else f"{sentence} along both axes"
