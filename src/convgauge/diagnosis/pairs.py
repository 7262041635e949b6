"""Pairs of a plan: the values of stride, padding and dilation along height and width."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from convgauge.diagnosis.plan import Plan
from convgauge.problem import Pair

Value = Any  # a number, or for the padding the pair (before, after)
Values = tuple[Value, Value]


@dataclass(frozen=True)
class PairArgument:
    """An argument that has a value for each axis.

    Attributes
    ----------
    name : str
        Name of the argument: "stride", "padding" or "dilation".
    field : str
        Field of `Plan`.
    default : Value
        Value along an axis if the argument is left out.
    """

    name: str
    field: str
    default: Value

    def of(self, plan: Plan) -> Values:
        """Return the values along height and width."""
        values: Values = getattr(plan, self.field)
        return values

    def put(self, plan: Plan, values: Values) -> Plan | None:
        """Return the plan with other values, or None if they are the same."""
        changes: dict[str, Any] = {self.field: values}
        return None if values == self.of(plan) else replace(plan, **changes)


STRIDE = PairArgument("stride", "stride", 1)
PADDING = PairArgument("padding", "pads", (0, 0))
DILATION = PairArgument("dilation", "dilation", 1)
PAIR_ARGUMENTS = (STRIDE, PADDING, DILATION)


def on_numbers(change: Callable[[int], int], value: Value) -> Value:
    """Return a value with its number changed, or both of its numbers."""
    return tuple(map(change, value)) if isinstance(value, tuple) else change(value)


def both_sides(numbers: Pair) -> tuple[Pair, Pair]:
    """Return the pads that add the same number of rows above and below, and of columns at the left and right."""
    return ((numbers[0],) * 2, (numbers[1],) * 2)
