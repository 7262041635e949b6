"""Features of cases: one column of values per field, and the numbers that are derived from several fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Fields = Mapping[str, object]
"""Values of a case by the names of `convgauge.domain`."""

Column = NDArray[Any]
Bools = NDArray[np.bool_]

SPELLINGS = ("int", "tuple", "list", "str")
"""Types in which an argument of a call is spelled."""


FURTHER_FIELDS = {
    "family": "operand family",
    "mode": "call mode",
    "order": "order of calls",
    "spec": "spec",
}
"""Fields of a judged call beside those of `convgauge.domain`, which no expression of a domain can name. The order of
calls is "first" for the first call of a process, "later" for the others."""


class Table:
    """Fields of cases by column.

    Parameters
    ----------
    rows : sequence of mappings
        Fields of each case. All rows have the same names.
    """

    def __init__(self, rows: Sequence[Fields]) -> None:
        self.rows = list(rows)
        self._numbers: dict[str, Column] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, name: str) -> list[object]:
        """Return the values of a field."""
        return [row[name] for row in self.rows]

    def numbers(self, name: str) -> Column:
        """Return the values of a numeric field, or of a number of `DERIVED`, as integers."""
        if name not in self._numbers:
            derived = DERIVED.get(name)
            column = np.array(self.values(name), np.int64) if derived is None else derived(self)
            self._numbers[name] = column
        return self._numbers[name]

    def spellings(self, name: str) -> Column:
        """Return the name of the type of each value of a field."""
        return np.array([type(value).__name__ for value in self.values(name)], object)

    def equals(self, name: str, value: object) -> Bools:
        """Return True for each case whose field equals a value. A tuple does not equal a list or a number."""
        return np.array([row[name] == value for row in self.rows], np.bool_)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the fields."""
        return frozenset(self.rows[0]) if self.rows else frozenset()


DERIVED: dict[str, Callable[[Table], Column]] = {
    "in_channels // groups": lambda t: t.numbers("in_channels") // t.numbers("groups"),
    "out_channels // groups": lambda t: t.numbers("out_channels") // t.numbers("groups"),
}
"""Numbers that are derived from several fields, by their expression."""


@dataclass(frozen=True)
class Axes:
    """A property that a problem has along both axes: the fields of height and width, and its name in a sentence."""

    height: str
    width: str
    words: str


AXES = (
    Axes("kernel_h", "kernel_w", "kernel"),
    Axes("stride_h", "stride_w", "stride"),
    Axes("padding_h", "padding_w", "padding"),
    Axes("dilation_h", "dilation_w", "dilation"),
    Axes("height", "width", "height or width"),
    Axes("out_h", "out_w", "output height or width"),
)
"""Properties with a number for each axis."""

COUNTS = {
    "batch": "batch",
    "groups": "groups",
    "in_channels": "in_channels",
    "out_channels": "out_channels",
    "in_channels // groups": "input channels per group",
    "out_channels // groups": "output channels per group",
    "reduction": "reduction",
}
"""Numbers without an axis, with their name in a sentence."""

OPERAND_LAYOUTS = {"layout": "input", "weight_layout": "weight", "bias_layout": "bias"}
"""Fields of memory layouts, with their operand."""
