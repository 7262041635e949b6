"""Memory of an operand: the buffer behind its values, as `convgauge.worker.layouts` lays it out.

What lies beyond the buffer is not determined; it is read as zero, and the elements say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convgauge.reference.operands import Array
from convgauge.worker.layouts import CARVERS, carve, first_along, repeated_axis


@dataclass(frozen=True)
class Elements:
    """Elements that are read from memory.

    Attributes
    ----------
    values : numpy.ndarray
        The elements; zero where they lie beyond the buffer.
    is_determined : bool
        True if all of them lie in the buffer.
    """

    values: Array
    is_determined: bool = True


@dataclass(frozen=True)
class MemoryImage:
    """A buffer and the view on it that an operand is.

    Attributes
    ----------
    buffer : numpy.ndarray
        Elements of the buffer, in one axis.
    start : int
        Index of the operand's first element.
    steps : tuple of int
        Strides of the operand in elements.
    shape : tuple of int
        Shape of the operand.
    """

    buffer: Array
    start: int
    steps: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, values: Array, layout: str) -> MemoryImage | None:
        """Return the memory of an operand, or None if its layout is that of a contiguous array or is not known."""
        if layout not in CARVERS or layout == "contiguous" or not values.size:
            return None
        memory, view = carve(layout, values, lambda shape, fill: np.full(shape, fill, values.dtype), np.transpose)
        axis = repeated_axis(layout, values.ndim)
        if axis is not None:
            view[...] = first_along(values, axis)
            view = np.broadcast_to(view, values.shape)
        else:
            view[...] = values
        start = (view.__array_interface__["data"][0] - memory.__array_interface__["data"][0]) // values.itemsize
        return cls(memory.reshape(-1), start, tuple(step // values.itemsize for step in view.strides), values.shape)

    def read(self, start: int, steps: tuple[int, ...]) -> Elements:
        """Return the elements at a start and with strides."""
        indices = np.full((1,) * len(self.shape), start)
        for axis, (step, size) in enumerate(zip(steps, self.shape, strict=True)):
            form = [-1 if other == axis else 1 for other in range(len(steps))]
            indices = indices + (step * np.arange(size)).reshape(form)
        is_inside = (indices >= 0) & (indices < len(self.buffer))
        values = np.where(is_inside, self.buffer[np.where(is_inside, indices, 0)], self.buffer.dtype.type(0))
        return Elements(values, bool(is_inside.all()))

    @property
    def dense_steps(self) -> tuple[int, ...]:
        """Strides of a contiguous array of the shape."""
        steps = np.cumprod((1, *self.shape[:0:-1]))[::-1]
        return tuple(int(step) for step in steps)
