"""Blocks of an axis: rules that drop, repeat or double the elements of an axis from some index, or every m-th one.

The axis may be several axes of an array flattened into one: the pixels of an image, the products of an output.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from convgauge.reference.operands import Array

Shape = tuple[int, ...]
Flat = tuple[int, int, int]
Order = Literal["as stored", "channels last"]

CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class Axis:
    """An axis of an array of four axes, or several of them flattened into one.

    Attributes
    ----------
    slug, topic : str
        Name in slugs, and in sentences (in the plural).
    form : callable
        Function of (shape, groups) that returns (elements before, size, elements after): the array in three axes.
    cost : float
        Complexity, beside that of a single axis.
    is_channels_last : bool
        The array is brought into the order of NHWC first.
    """

    slug: str
    topic: str
    form: Callable[[Shape, int], Flat]
    cost: float = 0.0
    is_channels_last: bool = False

    def split(self, array: Array, groups: int) -> Array:
        """Return an array in three axes, of which the second is this one."""
        array = array.transpose(CHANNELS_LAST) if self.is_channels_last else array
        return array.reshape(self.form(array.shape, groups))

    def join(self, parts: Array, shape: Shape) -> Array:
        """Return the array of a shape that was split."""
        if not self.is_channels_last:
            return parts.reshape(shape)
        return parts.reshape([shape[axis] for axis in CHANNELS_LAST]).transpose(np.argsort(CHANNELS_LAST))


def _flat(first: int, last: int) -> Callable[[Shape, int], Flat]:
    """Return the form in which the axes from first to last are one."""
    return lambda shape, groups: (
        math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :]),
    )  # fmt: skip


def _groups(shape: Shape, groups: int) -> Flat:
    return (shape[0], groups, shape[1] // groups * math.prod(shape[2:]))


def _channels_of_group(shape: Shape, groups: int) -> Flat:
    return (shape[0] * groups, shape[1] // groups, math.prod(shape[2:]))


def _filter_groups(shape: Shape, groups: int) -> Flat:
    return (1, groups, shape[0] // groups * math.prod(shape[1:]))


OUTPUT_AXES = (
    Axis("images", "images", _flat(0, 0)),
    Axis("output_channels", "output channels", _flat(1, 1)),
    Axis("rows", "output rows", _flat(2, 2)),
    Axis("columns", "output columns", _flat(3, 3)),
    Axis("groups", "groups", _groups, 0.05),
    Axis("channels_of_group", "output channels of each group", _channels_of_group, 0.1),
    Axis("plane", "flattened outputs of each plane", _flat(2, 3), 0.2),
    Axis("planes", "output planes of all images", _flat(0, 1), 0.25),
    Axis("pixels", "output pixels of all images", _flat(0, 2), 0.3, is_channels_last=True),
    Axis("image_outputs", "flattened outputs of each image", _flat(1, 3), 0.35),
    Axis("outputs", "flattened outputs", _flat(0, 3), 0.4),
    Axis("rows_of_all", "output rows of all planes", _flat(0, 2), 0.4),
)
"""Axes of the output, the simplest first."""

CHANNELS = Axis("input_channels", "input channels", _flat(1, 1))
PRODUCT_AXES = (
    CHANNELS,
    Axis("products", "products", _flat(1, 3), 0.1),
    Axis("products_by_tap", "products in the order of taps and channels", _flat(1, 3), 0.2, is_channels_last=True),
    Axis("taps", "taps of the kernel", _flat(2, 3), 0.1),
)
"""Axes of the weight along which products are added up."""

FILTERS = Axis("filters", "filters", _flat(0, 0))
FILTER_GROUPS = Axis("filter_groups", "filters of the groups", _filter_groups)
INPUT_GROUPS = Axis("input_groups", "input channels of the groups", _groups)


ORDINALS = {2: "second", 3: "third"}
"""Words for every m-th element."""

Form = Literal["remainder", "whole_remainder", "beyond", "last", "first", "every"]


@dataclass(frozen=True)
class Rule:
    """Elements of an axis of any size: those after the last multiple of m, beyond m, the last m, every m-th.

    Attributes
    ----------
    form : Form
        "remainder": from the last multiple of m, if there is one. "whole_remainder": all if there is none.
        "beyond": from m. "last": the last m. "first": the first m. "every": every m-th, from index ``start``.
    m, start : int
        Parameters.
    """

    form: Form
    m: int
    start: int = 0

    def affected(self, size: int) -> Array:
        """Return the indices of the elements."""
        if self.form == "every":
            return np.arange(self.start, size, self.m)
        if self.form == "first":
            return np.arange(min(self.m, size))
        return np.arange(self.cut(size), size)

    def cut(self, size: int) -> int:
        """Return the first index of those from which all elements are affected."""
        if self.form == "beyond":
            return min(self.m, size)
        if self.form == "last":
            return max(0, size - self.m)
        return size if size < self.m and self.form == "remainder" else size // self.m * self.m

    @property
    def words(self) -> str:
        """Name of the elements in a sentence."""
        return {
            "remainder": f"those after the last multiple of {self.m}",
            "whole_remainder": f"those after the last multiple of {self.m}",
            "beyond": f"those after the first {self.m}",
            "last": "the last" if self.m == 1 else f"the last {self.m}",
            "first": "the first" if self.m == 1 else f"the first {self.m}",
            "every": f"every {ORDINALS.get(self.m, f'{self.m}th')} from index {self.start}",
        }[self.form]

    @property
    def slug(self) -> str:
        """Name of the elements in a slug."""
        return f"{self.form}_{self.m}" + (f"_from_{self.start}" if self.form == "every" else "")

    @property
    def cost(self) -> float:
        """Complexity: blocks have sizes that are powers of two more often than others."""
        is_power = self.m & (self.m - 1) == 0
        of_form = {"remainder": 1.3, "whole_remainder": 1.32, "last": 1.35, "beyond": 1.4, "first": 1.4, "every": 1.5}
        return of_form[self.form] + (0.0 if is_power and (self.m == 1 or self.form != "last") else 0.15)

    @property
    def is_singular(self) -> bool:
        """True if the elements are one."""
        return self.form == "every" or (self.form in ("last", "first") and self.m == 1)


Source = Literal["previous_block", "start", "modulo", "clamped", "before"]
"""Elements from which others are copied. "previous_block": those m before. "start": those at the start of the axis.
"modulo": those of the index modulo the cut. "clamped": the one before the cut. "before": the one before each."""


def sources(rule: Rule, source: Source, size: int) -> Array:
    """Return the index from which each element of an axis is copied, its own if it is not affected."""
    order, affected, cut = np.arange(size), rule.affected(size), rule.cut(size)
    if not affected.size:
        return order
    copied = {
        "previous_block": affected - rule.m,
        "start": affected - cut,
        "modulo": affected % max(1, cut),
        "clamped": affected * 0 + cut - 1,
        "before": affected - 1,
    }[source]
    order[affected] = np.maximum(copied, 0)
    return order
