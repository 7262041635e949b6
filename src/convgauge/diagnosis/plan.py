"""Plan of a convolution: everything that determines its output, as a kernel may read it.

A mechanism changes the plan of a call. The output of the changed plan is what a kernel with that fault computes. Plans
of several mechanisms compose, because each change is made to the plan and not to the output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convgauge.diagnosis.memo import Memo
from convgauge.dtypes import DTYPES, FLOATS, round_to
from convgauge.problem import Pair, Problem
from convgauge.reference.accuracy import transform_terms
from convgauge.reference.operands import Array

Pads = tuple[Pair, Pair]
Padder = Callable[[Array, Pads], Array]
Finish = Callable[[Array], Array]
Adder = Callable[[Array, Array], Array]
"""Function of filters (G, O / G, K) and receptive fields (N, G, K, P) that returns the sums (N, G, O / G, P)."""

MAX_PRODUCTS = 4_000_000
"""Products of a plan above which its output is not computed: a mechanism is judged by smaller cases."""

MAX_ELEMENTS = 16_000_000
"""Elements of a padded input or output above which it is not allocated: 128 MB in float64."""

_WIDE = {"c": "complex128", "i": "int64", "f": "float64"}


class NoOutputError(Exception):
    """A plan that has no output: a kernel that follows it raises an exception, or returns something else."""


class TooExpensiveError(Exception):
    """A plan whose output needs more than `MAX_PRODUCTS` products or `MAX_ELEMENTS` elements."""


def add_exactly(filters: Array, fields: Array) -> Array:
    """Return the sums of products, without rounding errors if the operands are exact."""
    return np.asarray(filters @ fields)


def pad_with_zeros(input: Array, pads: Pads) -> Array:
    """Return the input with zeros around its last two axes; negative pads cut rows and columns off."""
    height, width = (size + sum(side) for size, side in zip(input.shape[2:], pads, strict=True))
    if math.prod(input.shape[:2]) * max(0, height) * max(0, width) > MAX_ELEMENTS:
        raise TooExpensiveError
    padded = np.zeros((*input.shape[:2], height, width), input.dtype)
    (above, _), (left, _) = pads
    inner = input[..., _inside(above, height), _inside(left, width)]
    padded[..., max(0, above) : max(0, above) + inner.shape[2], max(0, left) : max(0, left) + inner.shape[3]] = inner
    return padded


def _inside(before: int, size: int) -> slice:
    """Return the rows of an input that are inside a padded one of the given size."""
    return slice(max(0, -before), max(0, size - before))


def _windows(padded: Array, extent: Pair, stride: Pair, dilation: Pair) -> Array:
    """Return a view (N, C, OH, OW, KH, KW), in a tenth of the time of `sliding_window_view`."""
    counts = [(size - e) // s + 1 for size, e, s in zip(padded.shape[2:], extent, stride, strict=True)]
    taps = [(e - 1) // d + 1 for e, d in zip(extent, dilation, strict=True)]
    rows, columns = padded.strides[2:]
    steps = (rows * stride[0], columns * stride[1], rows * dilation[0], columns * dilation[1])
    return as_strided(padded, (*padded.shape[:2], *counts, *taps), (*padded.strides[:2], *steps), writeable=False)


@dataclass(frozen=True)
class Plan:
    """Operands and parameters from which an output is computed.

    Attributes
    ----------
    input, weight : numpy.ndarray
        Arrays (N, C, H, W) and (O, C / G, KH, KW), in float64, complex128 or int64.
    bias : numpy.ndarray or None
        Array that is broadcast to (O, 1, 1): of shape (O,), or of three or four axes.
    stride, dilation : tuple of int
        Steps along height and width.
    pads : tuple of tuple of int
        ((above, below), (left, right)); negative ones cut off.
    groups : int
        Number of groups.
    dtype : str
        Dtype to which the output is rounded.
    accumulator : str
        Dtype in which sums are kept in an unknown order, if not the one of the dtype: it widens the bound, and every
        output is one of its numbers.
    output_size : tuple of int or None
        Rows and columns of the output, if not those of the formula; fields beyond the input read zeros.
    pad : callable
        Function of (input, pads) that returns the padded input.
    adders : tuple of callable
        Ways to add the products. A faulty kernel takes one of them, such as an order of summation.
    finishes : tuple of callable
        Changes of the output before it is rounded to the dtype, in their order.
    sum_finishes : tuple of callable
        Changes of the sums before the bias is added, in their order.
    memo : Memo
        Results that the plans derived from one share.
    """

    input: Array
    weight: Array
    bias: Array | None
    stride: Pair
    pads: Pads
    dilation: Pair
    groups: int
    dtype: str
    accumulator: str = ""
    output_size: Pair | None = None
    pad: Padder = pad_with_zeros
    adders: tuple[Adder, ...] = (add_exactly,)
    finishes: tuple[Finish, ...] = ()
    sum_finishes: tuple[Finish, ...] = ()
    memo: Memo = field(default_factory=Memo, repr=False, compare=False)

    @classmethod
    def of(cls, problem: Problem, input: Array, weight: Array, bias: Array | None) -> Self:
        """Return the plan of a problem with operands: the correct one."""
        wide = _WIDE[DTYPES[problem.dtype].kind]
        given = None if bias is None else bias.astype(wide)
        return cls(
            input.astype(wide), weight.astype(wide), given, problem.stride, problem.pads, problem.dilation,
            problem.groups, problem.dtype,
        )  # fmt: skip

    @property
    def reduction(self) -> int:
        """Number of products that each output sums."""
        return math.prod(self.weight.shape[1:])

    @property
    def _operands(self) -> list[Array]:
        return [array for array in (self.input, self.weight, self.bias) if array is not None]

    @property
    def is_whole(self) -> bool:
        """True if all operands are whole numbers, so that a right sum of products is exact."""
        operands = self._operands
        return all(
            array.dtype.kind == "i" or np.array_equal(array, np.rint(array), equal_nan=True) for array in operands
        )

    @property
    def bias_planes(self) -> Array | float:
        """Bias in the shape in which it is added to the sums (N, O, OH, OW); 0 if there is none."""
        if self.bias is None:
            return 0.0
        return self.bias[:, None, None] if self.bias.ndim == 1 else self.bias

    @property
    def has_finishes(self) -> bool:
        """True if the sums or the output are changed."""
        return bool(self.finishes or self.sum_finishes)

    @property
    def extent(self) -> Pair:
        """Rows and columns that the dilated kernel covers."""
        rows, columns = (d * (k - 1) + 1 for d, k in zip(self.dilation, self.weight.shape[2:], strict=True))
        return rows, columns

    @property
    def size(self) -> Pair:
        """Rows and columns of the output; below 1 if the kernel does not fit."""
        if self.output_size is not None:
            return self.output_size
        rows, columns = (
            (size + sum(side) - extent) // step + 1 if step > 0 else 0
            for size, side, extent, step in zip(self.input.shape[2:], self.pads, self.extent, self.stride, strict=True)
        )
        return rows, columns

    def finish_sums(self, change: Finish) -> Self:
        """Return this plan with a further change of the sums before the bias is added."""
        return replace(self, sum_finishes=(*self.sum_finishes, change))

    def finish(self, change: Finish) -> Self:
        """Return this plan with a further change of the output."""
        return replace(self, finishes=(*self.finishes, change))

    def output(self) -> Array:
        """Return the output that a kernel with this plan gives, rounded to the dtype; it is computed once.

        Raises
        ------
        NoOutputError
            If the shapes do not fit together.
        TooExpensiveError
            If the output needs too many products.
        """
        output = self._output
        if isinstance(output, Exception):
            raise output
        return output

    @cached_property
    def _output(self) -> Array | NoOutputError | TooExpensiveError:
        try:
            with np.errstate(all="ignore"):
                return round_to(self._finished(self.sums()), self.dtype)
        except (NoOutputError, TooExpensiveError) as error:
            return error.with_traceback(None)

    def _finished(self, output: Array) -> Array:
        """Return sums with the bias and the finishes."""
        try:
            for change in self.sum_finishes:
                output = change(output)
            if self.bias is not None:
                output = output + self.bias_planes
            for change in self.finishes:
                output = change(output)
        except (ValueError, IndexError) as error:
            raise NoOutputError(str(error)) from None
        return output

    def readings(self) -> Iterator[Self]:
        """Yield this plan with each of its ways to add the products."""
        if len(self.adders) == 1:
            yield self
            return
        for adder in self.adders:
            yield replace(self, adders=(adder,))

    def sums(self) -> Array:
        """Return the sums of products (N, O, OH, OW), without the bias and the finishes. Raises as `output` does."""
        groups, filters = self.groups, self.weight
        channels = self.input.shape[1]
        if min(groups, *self.stride, *self.dilation) < 1:
            raise NoOutputError("a stride, a dilation or a number of groups below 1")
        if channels != groups * filters.shape[1] or filters.shape[0] % groups:
            raise NoOutputError(f"{channels} channels do not fit {groups} groups of {filters.shape[1]}")
        return self.memo.sums.get((*self._geometry, filters, groups, self.adders), self._add).copy()

    @property
    def _geometry(self) -> tuple[object, ...]:
        """Everything that determines the receptive fields."""
        return (self.input, self.pads, self.pad, self.stride, self.dilation, self.weight.shape[2:], self.output_size)

    def _add(self) -> Array:
        """Return the sums of products."""
        self._check_cost()
        groups, filters, batch = self.groups, self.weight, len(self.input)
        columns, size = self.memo.columns.get(self._geometry, self._unfold)
        by_group = columns.reshape(batch, groups, self.reduction, math.prod(size))
        sums = self.adders[0](filters.reshape(groups, filters.shape[0] // groups, self.reduction), by_group)
        return np.asarray(sums.reshape(batch, filters.shape[0], *size))

    def _unfold(self) -> tuple[Array, Pair]:
        """Return the receptive fields as columns (N, C KH KW, OH OW), and the output's rows and columns."""
        fields = self.fields()
        batch, channels, rows, columns, *taps = fields.shape
        shape = (batch, channels * math.prod(taps), rows * columns)
        return fields.transpose(0, 1, 4, 5, 2, 3).reshape(shape), (rows, columns)

    def _check_cost(self) -> None:
        """Check that the output is cheap. Raises `TooExpensiveError`."""
        rows, columns = (max(0, count) for count in self.size)
        height, width = (max(0, size + sum(side)) for size, side in zip(self.input.shape[2:], self.pads, strict=True))
        products = len(self.input) * len(self.weight) * rows * columns * self.reduction
        if products > MAX_PRODUCTS or math.prod(self.input.shape[:2]) * height * width > MAX_ELEMENTS:
            raise TooExpensiveError

    def fields(self) -> Array:
        """Return the receptive fields (N, C, OH, OW, KH, KW). Raises `NoOutputError`."""
        try:
            padded = self.pad(self.input, self.pads)
        except (ValueError, IndexError) as error:
            raise NoOutputError(str(error)) from None
        if self.output_size is not None:
            padded = self._reaching(padded, self.output_size)
        if any(size < extent for size, extent in zip(padded.shape[2:], self.extent, strict=True)):
            raise NoOutputError("the kernel is larger than the padded input")
        return _windows(padded, self.extent, self.stride, self.dilation)

    def _reaching(self, padded: Array, size: Pair) -> Array:
        """Return a padded input from which an output of the given size is computed."""
        needed = [s * (n - 1) + e for s, n, e in zip(self.stride, size, self.extent, strict=True)]
        missing = [n - have for n, have in zip(needed, padded.shape[2:], strict=True)]
        if min(size) < 1:
            raise NoOutputError(f"an output of {size[0]} rows and {size[1]} columns")
        return pad_with_zeros(padded, ((0, missing[0]), (0, missing[1])))

    def magnitude(self) -> Array:
        """Return S = sum |w||x| + |b| of each output, without the finishes. Raises as `output` does."""
        sizes = replace(
            self, input=np.abs(self.input), weight=np.abs(self.weight), dtype="float64",
            bias=None if self.bias is None else np.abs(self.bias), adders=(add_exactly,), finishes=(), sum_finishes=(),
        )  # fmt: skip
        return np.abs(sizes.output())

    @property
    def is_finite(self) -> bool:
        """True if all operands are finite."""
        return all(np.isfinite(array).all() for array in self._operands)

    @property
    def may_overflow(self) -> bool:
        """True if sums of finite operands may leave the range of the dtype: their order decides what they give."""
        if self.dtype not in FLOATS or not self.is_finite:
            return False
        try:
            return bool(self.magnitude().max(initial=0.0) > DTYPES[self.dtype].largest)
        except NoOutputError:
            return False

    def bound(self) -> float:
        """Return the largest difference of a kernel's output from that of this plan: grade B's, per call.

        Finishes may make the output larger than its sum of magnitudes; the bound is then widened in proportion.

        Source: see `convgauge.reference.accuracy`. The plan's own sums have errors of float64's size, which count twice
        for float64.
        """
        dtype = DTYPES[self.dtype]
        if dtype.kind == "i":
            return 0.0
        accumulator = DTYPES[self.accumulator or dtype.accumulator]
        terms = 2 * (self.reduction + 1 + transform_terms(Problem()))
        magnitude = self.magnitude()
        size = float(np.max(magnitude, where=np.isfinite(magnitude), initial=0.0))
        if self.finishes or self.sum_finishes:
            output = np.abs(self.output())
            size = max(size, float(np.max(output, where=np.isfinite(output), initial=0.0)))
        rounded = 3 * dtype.roundoff * size if dtype.accumulator != dtype.name else 0.0
        bound = terms * accumulator.roundoff * size + rounded + terms * accumulator.step + dtype.step
        return float(min(bound, DTYPES["float64"].largest))
