"""Atom: one simple condition on a case's fields, with its expression and cost, its words and those of its contrary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convgauge.diagnosis.features import Bools, Table

Test = Callable[[Table], Bools]

PLAIN, RELATION, NUMBER, BOUND, DERIVED_COST, PER_MEMBER = 1.0, 1.2, 1.6, 2.0, 0.7, 0.6
"""Costs, by which the simpler of two atoms is preferred that explain the same cases: a switch (one group, a bias, one
spelling), an equality of two fields, a divisor or a value, a bound; the surcharges of a number that is derived from
several fields, and of each member of a set. Their order matters, not their size: two atoms cost more than one."""

ONE_AXIS = 0.05
"""Surcharge of a condition on one axis alone: the same one on both is more likely, if the cases do not decide."""


@dataclass(frozen=True)
class Atom:
    """A condition on the fields of a case.

    Attributes
    ----------
    expression : str
        The condition, in the language of `convgauge.domain`.
    sentence : str
        Cases that do not meet the condition, in words: "groups > 1".
    cost : float
        Complexity; the lower, the simpler.
    holds : callable
        Function that returns, for each case of a table, True if it meets the condition.
    bounded : tuple of str
        Names of the numbers, if the condition is a bound.
    affirmative : str
        Cases that meet the condition, in words: "one group". "" if no region of failures is described by it.
    negation : str
        Expression of the contrary. "" if no region of failures is described by it.
    """

    expression: str
    sentence: str
    cost: float
    holds: Test
    bounded: tuple[str, ...] = ()
    affirmative: str = ""
    negation: str = ""


def of_numbers(names: tuple[str, ...], test: Callable[..., Bools]) -> Test:
    """Return the test of the columns of some numbers."""
    return lambda table: test(*map(table.numbers, names))


def has_value(name: str, value: object, *, wanted: bool = True) -> Test:
    """Return the test that a field equals a value, or that it does not."""
    return lambda table: table.equals(name, value) == wanted
