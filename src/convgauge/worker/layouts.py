"""Memory layouts of an operand: the same values behind different strides.

Each layout is a buffer filled with poison (NaN, or the largest integer) and a view carved out of it, so that an
implementation that ignores strides or offsets reads poison.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any  # an array of any framework

LAYOUTS = {
    "contiguous": "row-major, no gaps",
    "fortran": "column-major: axes in reverse order in memory",
    "channels_last": "channels innermost in memory (NHWC behind an NCHW shape)",
    "transposed": "columns before rows: the last two axes swapped in memory",
    "sliced": "every second element along every axis",
    "cropped": "the interior of a larger image, with gaps between rows",
    "planes": "whole planes, with two others after each: one slice of a five-axis array",
    "part": "some channels of a larger image, or some elements of a longer row: gaps between images",
    "offset": "contiguous, but starting in the middle of its buffer",
    "negative": "reversed along every axis: negative strides",
    "broadcast": "stride 0 along the first axis: one element of it repeated",
    "odd_strides": "contiguous, with a stride far out of range along every axis of one element",
    "readonly": "contiguous and not writeable",
    "unaligned": "starting at an odd address",
    "bigendian": "bytes in the other order",
    "negated": "the opposite values, marked as still to be negated (torch)",
    "conjugated": "the conjugate values, marked as still to be conjugated (torch, complex)",
}
"""Description of each layout."""


def poison(dtype: np.dtype) -> float:
    """Return the value that fills gaps: NaN for floats and complex numbers, the largest value for integers."""
    return float("nan") if dtype.kind in "fc" else int(np.iinfo(dtype).max)


def carve(  # noqa: PLR0911 - one return per layout
    layout: str,
    values: np.ndarray,
    full: Callable[[tuple[int, ...], float], Array],
    permute: Callable[[Array, tuple[int, ...]], Array],
) -> tuple[Array, Array]:
    """Return a buffer, and a view on it with the shape of ``values``.

    For "broadcast" the buffer is one element along the first axis, which the caller repeats.

    Parameters
    ----------
    layout : str
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
    shape = tuple(values.shape)
    rank = len(shape)
    fill = poison(values.dtype)
    if layout in ("contiguous", "readonly", "bigendian", "odd_strides") or (layout == "channels_last" and rank != 4):
        buffer = full(shape, fill)
        return buffer, buffer
    if layout == "fortran":
        buffer = full(shape[::-1], fill)
        return buffer, permute(buffer, tuple(range(rank))[::-1])
    if layout == "channels_last":
        buffer = full((shape[0], shape[2], shape[3], shape[1]), fill)
        return buffer, permute(buffer, (0, 3, 1, 2))
    if layout == "transposed":
        axes = (*range(rank - 2), *tuple(range(rank))[max(0, rank - 2) :][::-1])
        buffer = full(tuple(shape[axis] for axis in axes), fill)
        return buffer, permute(buffer, axes)
    if layout == "sliced":
        buffer = full(tuple(2 * size + 1 for size in shape), fill)
        return buffer, buffer[tuple(slice(1, 2 * size, 2) for size in shape)]
    if layout == "cropped":
        buffer = full((*shape[: max(0, rank - 2)], *(size + 3 for size in shape[-2:])), fill)
        return buffer, buffer[(..., *(slice(1, size + 1) for size in shape[-2:]))]
    if layout == "planes":
        inner = max(0, rank - 2)
        buffer = full((*shape[:inner], 3, *shape[inner:]), fill)
        return buffer, buffer[(*[slice(None)] * inner, 0)]
    if layout == "part":
        axis = min(1, rank - 1)
        buffer = full(tuple(size + 3 * (number == axis) for number, size in enumerate(shape)), fill)
        return buffer, buffer[(*[slice(None)] * axis, slice(2, 2 + shape[axis]))]
    if layout == "offset":
        count = 1
        for size in shape:
            count *= size
        buffer = full((count + 5,), fill)
        return buffer, buffer[3 : 3 + count].reshape(shape)
    if layout == "negative":
        buffer = full(shape, fill)
        return buffer, buffer[tuple(slice(None, None, -1) for _ in shape)]
    if layout == "broadcast":
        buffer = full((min(1, shape[0]), *shape[1:]), fill)
        return buffer, buffer
    raise KeyError(layout)
