"""Arrays whose axes are in another order than their elements: reshaped, not transposed."""

from __future__ import annotations

import numpy as np

from convgauge.reference.operands import Array

Axes = tuple[int, ...]


def read_as(array: Array, axes: Axes) -> Array:
    """Return an array as it is read if its memory is treated as one with the axes in another order.

    Parameters
    ----------
    array : numpy.ndarray
        Array in C order.
    axes : tuple of int
        Axes of the array in the order in which they are assumed in memory.
    """
    assumed = array.reshape([array.shape[axis] for axis in axes])
    return np.transpose(assumed, np.argsort(axes))


def written_as(array: Array, axes: Axes) -> Array:
    """Return an array whose elements are arranged with the axes in another order and read in C order."""
    return np.transpose(array, axes).reshape(array.shape)
