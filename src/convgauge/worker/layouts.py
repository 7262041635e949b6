"""Memory layouts of an operand: the same values behind different strides.

Each layout is a buffer filled with poison (NaN, or the largest integer) and a view on it. An implementation that
ignores strides or offsets reads poison. A layout is a function with the decorator `layout`; its docstring describes
it. Layouts that differ between frameworks are made by the adapters in `convgauge.worker.frameworks`:

- "readonly": contiguous and not writeable (NumPy)
- "unaligned": starting at an odd address (NumPy)
- "bigendian": bytes in the other order (NumPy)
- "odd_strides": contiguous, with a stride far out of range along every axis of one element
- "broadcast": stride 0 along the first axis: one element of it repeated
- "distant": the first and the last image more than 2^32 elements apart (NumPy, torch; `convgauge.worker.distant`)
- "negated": the opposite values, marked as still to be negated (torch)
- "conjugated": the conjugate values, marked as still to be conjugated (torch, complex)

The name of a combination is that of the order in memory and that of the view on it: "channels_last_cropped" is a crop
of an image in channels-last memory. An operand of fewer than four axes has the layout of the view alone. Further
layouts reverse one axis, or repeat one element along one: "reversed_columns", "broadcast_rows". Those at
protected pages are in `convgauge.worker.guarded_memory`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
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

REPEATED = {"broadcast": 0}
"""Axis along which a layout repeats one element by a stride of 0, by name of the layout."""


def repeated_axis(layout: str, axes: int) -> int | None:
    """Return the axis along which a layout repeats one element of an operand of so many axes, or None."""
    return min(REPEATED[layout], axes - 1) if layout in REPEATED else None


def first_along(values: Array, axis: int) -> Array:
    """Return the first element along an axis, with the axis kept."""
    return values[(*[slice(None)] * axis, slice(0, 1))]


def layout(function: Carver) -> Carver:
    """Register a function as the layout of its name."""
    CARVERS[function.__name__] = function
    return function


def carve(
    name: str, values: np.ndarray, full: Callable[[Shape, float], Array], permute: Callable[[Array, Shape], Array]
) -> Views:
    """Return a buffer, and a view on it with the shape of ``values``.

    The view of a layout in `REPEATED` has one element along its axis, which the caller repeats.

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


def repeated_along(axis: int) -> Carver:
    """Return the layout of one element along an axis, the last if there are fewer; the adapter repeats it."""

    def carve_repeated(shape: Shape, maker: Maker) -> Views:
        repeated = min(axis, len(shape) - 1)
        buffer = maker.buffer(tuple(min(1, size) if number == repeated else size for number, size in enumerate(shape)))
        return buffer, buffer

    return carve_repeated


CARVERS["broadcast"] = repeated_along(0)


# --- combinations ----------------------------------------------------------------------------------------------------

ORDERS = {"channels_last": (0, 2, 3, 1), "transposed": (0, 1, 3, 2)}
"""Axes of the operand in the order of memory, the outermost first, by name of the order."""
VIEWS = ("sliced", "cropped", "part", "offset", "negative", "broadcast")
"""Layouts of the view that are combined with every order."""

PARTS: dict[str, tuple[str, ...]] = {}
"""Names of the simple layouts that a combination or a layout of one axis is made of."""


def combined_layouts(simple: Iterable[str]) -> tuple[str, ...]:
    """Return the combinations that a framework can make, given the simple layouts that it can make."""
    able = set(simple)
    return tuple(name for name, parts in PARTS.items() if able.issuperset(parts))


def _viewed(carver: Carver, axes: Shape) -> Carver:
    """Return the layout of a view whose buffer has its axes in another order."""

    def carve_viewed(shape: Shape, maker: Maker) -> Views:
        if len(shape) != len(axes):
            return carver(shape, maker)
        memories: list[Array] = []

        def buffer(size: Shape) -> Array:
            memories.append(maker.buffer(tuple(size[axis] for axis in axes)))
            return maker.permute(memories[0], _inverse(axes))

        _, view = carver(shape, Maker(buffer, maker.permute))
        return memories[0], view

    return carve_viewed


def _moved(carver: Carver, axes: Shape) -> Carver:
    """Return the layout of an operand whose axes are permuted first: for a view that is made of a flat buffer."""

    def carve_moved(shape: Shape, maker: Maker) -> Views:
        if len(shape) != len(axes):
            return carver(shape, maker)
        memory, view = carver(tuple(shape[axis] for axis in axes), maker)
        return memory, maker.permute(view, _inverse(axes))

    return carve_moved


def _inverse(axes: Shape) -> Shape:
    return tuple(axes.index(axis) for axis in range(len(axes)))


def _combine(order: str, view: str) -> None:
    """Register the combination of an order in memory and a view."""
    name, combine = f"{order}_{view}", _moved if view == "offset" else _viewed
    CARVERS[name] = combine(CARVERS[view], ORDERS[order])
    PARTS[name] = (order, view)
    if view in REPEATED:
        REPEATED[name] = REPEATED[view]


for _order in ORDERS:
    for _view in VIEWS:
        _combine(_order, _view)


# --- one axis --------------------------------------------------------------------------------------------------------


@layout
def reversed_columns(shape: Shape, maker: Maker) -> Views:
    """Reversed along the last axis alone: one negative stride."""
    buffer = maker.buffer(shape)
    return buffer, buffer[(..., slice(None, None, -1))]


@layout
def reversed_channels(shape: Shape, maker: Maker) -> Views:
    """Reversed along the axis of channels alone; along every axis if there are not four."""
    if len(shape) != 4:
        return negative(shape, maker)
    buffer = maker.buffer(shape)
    return buffer, buffer[:, ::-1]


for _name, _axis in {"broadcast_channels": 1, "broadcast_rows": 2, "broadcast_columns": 3}.items():
    CARVERS[_name], REPEATED[_name], PARTS[_name] = repeated_along(_axis), _axis, ("broadcast",)

PARTS.update(reversed_columns=("negative",), reversed_channels=("negative",))
