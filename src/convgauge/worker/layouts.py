"""Memory layouts of an operand: the same values behind different strides.

Each layout is a buffer filled with poison (NaN, or the largest integer) and a view on it. An implementation that
ignores strides or offsets reads poison. A layout is a function with the decorator `layout`; its docstring describes
it. Layouts that differ between frameworks are made by the adapters in `convgauge.worker.frameworks`:

- "readonly": contiguous and not writeable (NumPy)
- "unaligned": starting at an odd address (NumPy)
- "bigendian": bytes in the other order (NumPy)
- "odd_strides": contiguous, with a stride far out of range along every axis of one element
- "broadcast": stride 0 along the first axis: one element of it repeated
- "negated": the opposite values, marked as still to be negated (torch)
- "conjugated": the conjugate values, marked as still to be conjugated (torch, complex)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any  # an array of any framework
Shape = tuple[int, ...]
Views = tuple[Array, Array]

CONTIGUOUS_BUFFER = ("contiguous", "readonly", "bigendian", "odd_strides")
GAP_ROWS, GAP_ELEMENTS = 3, 5  # sizes of gaps, which are no multiple of a vector


@dataclass(frozen=True)
class Maker:
    """Functions of a framework that make a buffer full of poison and permute the axes of an array."""

    buffer: Callable[[Shape], Array]
    permute: Callable[[Array, Shape], Array]


Carver = Callable[[Shape, Maker], Views]

CARVERS: dict[str, Carver] = {}
"""Functions that return a buffer and a view on it of a given shape, by name of the layout."""


def layout(function: Carver) -> Carver:
    """Register a function as the layout of its name."""
    CARVERS[function.__name__] = function
    return function


def carve(
    name: str, values: np.ndarray, full: Callable[[Shape, float], Array], permute: Callable[[Array, Shape], Array]
) -> Views:
    """Return a buffer, and a view on it with the shape of ``values``.

    For "broadcast" the buffer is one element along the first axis, which the caller repeats.

    Parameters
    ----------
    name : str
        Name of the layout.
    values : ndarray
        Values whose shape and dtype the view has; they are not copied.
    full, permute : callable
        Functions of the framework that fill a new array, and that permute the axes of an array.

    Raises
    ------
    KeyError
        The layout is not one of those that are carved.
    """
    fill = poison(values.dtype)
    maker = Maker(lambda shape: full(shape, fill), permute)
    return CARVERS["contiguous" if name in CONTIGUOUS_BUFFER else name](tuple(values.shape), maker)


def poison(dtype: np.dtype) -> float:
    """Return the value that fills gaps: NaN for floats and complex numbers, the largest value for integers."""
    return float("nan") if dtype.kind in "fc" else int(np.iinfo(dtype).max)


@layout
def contiguous(shape: Shape, maker: Maker) -> Views:
    """Row-major, without gaps."""
    buffer = maker.buffer(shape)
    return buffer, buffer


@layout
def fortran(shape: Shape, maker: Maker) -> Views:
    """Column-major: axes in reverse order in memory."""
    return _permuted(shape, maker, tuple(range(len(shape)))[::-1])


@layout
def channels_last(shape: Shape, maker: Maker) -> Views:
    """Channels innermost in memory (NHWC behind an NCHW shape); contiguous if there are not four axes."""
    return _permuted(shape, maker, (0, 2, 3, 1)) if len(shape) == 4 else contiguous(shape, maker)


@layout
def transposed(shape: Shape, maker: Maker) -> Views:
    """Columns before rows: the last two axes swapped in memory."""
    axes = tuple(range(len(shape)))
    return _permuted(shape, maker, (*axes[:-2], *axes[-2:][::-1]))


def _permuted(shape: Shape, maker: Maker, axes: Shape) -> Views:
    """Return a buffer whose axes are ``axes`` of the view."""
    buffer = maker.buffer(tuple(shape[axis] for axis in axes))
    return buffer, maker.permute(buffer, tuple(axes.index(axis) for axis in range(len(axes))))


@layout
def sliced(shape: Shape, maker: Maker) -> Views:
    """Every second element along every axis."""
    buffer = maker.buffer(tuple(2 * size + 1 for size in shape))
    return buffer, buffer[tuple(slice(1, 2 * size, 2) for size in shape)]


@layout
def cropped(shape: Shape, maker: Maker) -> Views:
    """Interior of a larger image, with gaps between rows."""
    buffer = maker.buffer((*shape[:-2], *(size + GAP_ROWS for size in shape[-2:])))
    return buffer, buffer[(..., *(slice(1, size + 1) for size in shape[-2:]))]


@layout
def planes(shape: Shape, maker: Maker) -> Views:
    """Whole planes, with two others after each: one slice of a five-axis array."""
    buffer = maker.buffer((*shape[:-2], 3, *shape[-2:]))
    return buffer, buffer[(*[slice(None)] * len(shape[:-2]), 0)]


@layout
def part(shape: Shape, maker: Maker) -> Views:
    """Channels of a larger image, or elements of a longer row: gaps between images."""
    axis = min(1, len(shape) - 1)
    buffer = maker.buffer(tuple(size + GAP_ROWS * (number == axis) for number, size in enumerate(shape)))
    return buffer, buffer[(*[slice(None)] * axis, slice(2, 2 + shape[axis]))]


@layout
def offset(shape: Shape, maker: Maker) -> Views:
    """Contiguous, but starting in the middle of its buffer."""
    count = math.prod(shape)
    buffer = maker.buffer((count + GAP_ELEMENTS,))
    return buffer, buffer[3 : 3 + count].reshape(shape)


@layout
def negative(shape: Shape, maker: Maker) -> Views:
    """Reversed along every axis: negative strides."""
    buffer = maker.buffer(shape)
    return buffer, buffer[tuple(slice(None, None, -1) for _ in shape)]


@layout
def broadcast(shape: Shape, maker: Maker) -> Views:
    """One element along the first axis, which the adapter repeats."""
    return contiguous((min(1, shape[0]), *shape[1:]), maker)
