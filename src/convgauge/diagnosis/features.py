"""Features of cases: one column of values per field, and the numbers that are derived from several fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convgauge.domain import fields_of
from convgauge.problem import Problem

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
    "input_values": "values of the input",
    "weight_values": "values of the weight",
    "bias_values": "values of the bias",
    "whole": "whole numbers as operands",
}
"""Fields of a judged call beside those of `convgauge.domain`, which no expression of a domain can name. The order of
calls is "first" for the first call of a process, "later" for the others. See `operand_values` for the values."""

USUAL: Fields = {
    **fields_of(Problem()),
    **dict.fromkeys(FURTHER_FIELDS, "usual"),
    "family": "exact",
    "mode": "",
    "order": "later",
    "spec": "",
    "whole": "True",
}
"""Value of each field in a usual call."""


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
        self._codes: dict[str, tuple[Column, list[object]]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, name: str) -> list[object]:
        """Return the values of a field."""
        return [row[name] for row in self.rows]

    def numbers(self, name: str) -> Column:
        """Return the values of a numeric field, or of a number of `DERIVED`, as integers."""
        if name not in self._numbers:
            derived = DERIVED.get(name)
            self._numbers[name] = self._integers(name) if derived is None else derived(self)
        return self._numbers[name]

    def _integers(self, name: str) -> Column:
        """Return a field as integers; a value that is none, as in some invalid calls, counts as usual."""
        values = self.values(name)
        if set(map(type, values)) <= {int, bool}:
            return np.array(values, np.int64)
        return np.array([v if isinstance(v, int) else USUAL[name] for v in values], np.int64)

    def spellings(self, name: str) -> Column:
        """Return the name of the type of each value of a field."""
        codes, values = self._coded(name)
        return np.array([type(value).__name__ for value in values], object)[codes]

    def equals(self, name: str, value: object) -> Bools:
        """Return True for each case whose field equals a value. A tuple does not equal a list or a number."""
        codes, values = self._coded(name)
        return np.isin(codes, [code for code, other in enumerate(values) if other == value])

    def is_among(self, name: str, texts: Sequence[str]) -> Bools:
        """Return True for each case whose field has one of some values, compared as text."""
        codes, values = self._coded(name)
        return np.isin(codes, [code for code, value in enumerate(values) if str(value) in texts])

    def distinct(self, name: str) -> list[object]:
        """Return the distinct values of a field."""
        return self._coded(name)[1]

    def first_of_each(self, names: Sequence[str]) -> tuple[Column, Column]:
        """Return the number of the first row of each combination of values, and the combination of each row."""
        codes = np.ascontiguousarray(np.column_stack([self._coded(name)[0] for name in names]).astype(np.int32))
        rows = codes.view([("", f"V{codes.shape[1] * codes.itemsize}")]).ravel()
        _, first, numbers = np.unique(rows, return_index=True, return_inverse=True)
        return first, numbers

    def _coded(self, name: str) -> tuple[Column, list[object]]:
        """Return a number for each value of a field, and the value of each number."""
        if name not in self._codes:
            values = self.values(name)
            keys = values if set(map(type, values)) in ({int}, {str}, {bool}) else list(map(repr, values))
            texts: dict[object, int] = {}
            codes = [texts.setdefault(key, len(texts)) for key in keys]
            distinct = dict(zip(codes, values, strict=True))
            self._codes[name] = np.array(codes, np.intp), [distinct[code] for code in range(len(texts))]
        return self._codes[name]

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the fields."""
        return frozenset(self.rows[0]) if self.rows else frozenset()


def _product(table: Table, *names: str) -> Column:
    return math.prod(map(table.numbers, names[1:]), start=table.numbers(names[0]))


DERIVED: dict[str, Callable[[Table], Column]] = {
    "in_channels // groups": lambda t: t.numbers("in_channels") // np.maximum(t.numbers("groups"), 1),
    "out_channels // groups": lambda t: t.numbers("out_channels") // np.maximum(t.numbers("groups"), 1),
    "out_h * out_w": lambda t: t.numbers("out_h") * t.numbers("out_w"),
    "kernel_h * kernel_w": lambda t: t.numbers("kernel_h") * t.numbers("kernel_w"),
    "batch * out_channels": lambda t: t.numbers("batch") * t.numbers("out_channels"),
    "batch * in_channels * height * width": lambda t: _product(t, "batch", "in_channels", "height", "width"),
    "batch * out_channels * out_h * out_w": lambda t: _product(t, "batch", "out_channels", "out_h", "out_w"),
    "out_channels * reduction": lambda t: _product(t, "out_channels", "reduction"),
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

PRODUCTS = {
    "out_h * out_w": "outputs of a plane",
    "kernel_h * kernel_w": "kernel elements",
    "batch * out_channels": "output planes",
    "batch * in_channels * height * width": "input elements",
    "batch * out_channels * out_h * out_w": "output elements",
    "out_channels * reduction": "weight elements",
}
"""Numbers that only regions of failures are described by, with their name in a sentence."""

OPERAND_LAYOUTS = {"layout": "input", "weight_layout": "weight", "bias_layout": "bias"}
"""Fields of memory layouts, with their operand."""
