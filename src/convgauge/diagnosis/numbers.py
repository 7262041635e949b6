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
    """Condition on one number: its expression, its contrary, its cost, and its test."""

    expression: str
    contrary: str
    cost: float
    test: Callable[[Column], Bools]
    is_bound: bool = False


def _conditions(values: Sequence[int]) -> Iterator[_Condition]:
    """Yield conditions on a number of which the sorted ``values`` occur. "{}" stands for the number's name."""
    least, most = values[0], values[-1]
    for value in sorted({*values, *(value for value in ROUND if least < value < most)}):
        bound = BOUND - ROUND_DISCOUNT * (value in ROUND)
        if value == 0:
            yield _Condition("{} == 0", "{} > 0", PLAIN, _at_most(0))
            yield _Condition("{} > 0", "{} 0", PLAIN, _at_least(1))
            continue
        if value == 1:
            yield _Condition("{} == 1", "{} > 1", PLAIN, _exactly(1))
            yield _Condition("{} <= 1", "{} > 1", BOUND, _at_most(1))
            continue
        yield _Condition(f"{{}} <= {value}", f"{{}} > {value}", bound, _at_most(value), True)
        yield _Condition(f"{{}} >= {value}", f"{{}} < {value}", bound, _at_least(value), True)
        yield _Condition(f"{{}} == {value}", f"{{}} other than {value}", NUMBER, _exactly(value))
    for divisor in DIVISORS:
        contrary = "odd {}" if divisor == 2 else f"{{}} not a multiple of {divisor}"
        yield _Condition(f"{{}} % {divisor} == 0", contrary, NUMBER, _multiple(divisor))
    yield _Condition("{} % 2 == 1", "even {}", NUMBER, lambda column: column % 2 == 1)


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
        surcharge = DERIVED_COST if words != name or name == "reduction" else 0.0
        for condition in _conditions(np.unique(table.numbers(name)).tolist()):
            yield Atom(
                condition.expression.format(name),
                condition.contrary.format(words),
                condition.cost + surcharge,
                of_numbers((name,), condition.test),
                (name,) if condition.is_bound else (),
            )


def axis_atoms(table: Table) -> Iterator[Atom]:
    """Yield conditions on a number of the height, of the width, and of both."""
    for axes in AXES:
        surcharge = DERIVED_COST if axes.height == "out_h" else 0.0
        for name in (axes.height, axes.width):
            for condition in _conditions(np.unique(table.numbers(name)).tolist()):
                yield Atom(
                    condition.expression.format(name),
                    condition.contrary.format(name),
                    condition.cost + surcharge + ONE_AXIS,
                    of_numbers((name,), condition.test),
                    (name,) if condition.is_bound else (),
                )
        both = np.unique(np.concatenate([table.numbers(axes.height), table.numbers(axes.width)])).tolist()
        for condition in _conditions(both):
            yield Atom(
                " and ".join(condition.expression.format(name) for name in (axes.height, axes.width)),
                condition.contrary.format(axes.words),
                condition.cost + surcharge,
                _on_both(axes, condition.test),
                (axes.height, axes.width) if condition.is_bound else (),
            )
