"""Closeness of an output to two predictions: which of them accounts for its deviation.

A bound of rounding errors is wide: operands rounded to TF32 often stay inside it. So a prediction explains a deviation
only if little of the deviation remains. The errors are compared in units of S = sum |w||x| + |b| of each output, to
which rounding errors are proportional.
"""

from __future__ import annotations

import numpy as np

from convgauge.dtypes import DTYPES
from convgauge.reference.operands import Array

MAX_REMAINDER = 0.25
"""Share of a deviation's mean square that a prediction may leave. Two independent causes of equal size leave a half: a
rounded weight if the input is rounded as well. A rounding with one bit more or less leaves at least a quarter."""

MIN_ROUNDOFFS = 16.0
"""Root mean square, in unit roundoffs times S, of a difference that rounding errors do not hide."""


def is_nearer(output: Array, prediction: Array, rival: Array, sizes: Array | float = 1.0) -> bool:
    """Return True if a prediction leaves at most `MAX_REMAINDER` of the deviation of an output from a rival.

    Parameters
    ----------
    output, prediction, rival : numpy.ndarray
        Arrays of one shape.
    sizes : numpy.ndarray or float
        Unit of the errors, by output.
    """
    return mean_square(output, prediction, sizes) <= MAX_REMAINDER * mean_square(output, rival, sizes)


def mean_square(left: Array, right: Array, sizes: Array | float = 1.0) -> float:
    """Return the mean square of a difference in units of ``sizes``, over the elements that are finite in both."""
    with np.errstate(all="ignore"):
        wide = np.result_type(left, right, np.float64)
        difference = np.abs(np.subtract(left, right, dtype=wide)) / np.where(np.asarray(sizes) > 0, sizes, 1.0)
    finite = difference[np.isfinite(difference)]
    return float(np.mean(finite * finite)) if finite.size else 0.0


def is_equally_finite(left: Array, right: Array) -> bool:
    """Return True if two arrays of one shape have their NaN and infinities at the same places."""
    return bool(np.array_equal(np.isfinite(left), np.isfinite(right)))


def is_beyond_rounding(left: Array, right: Array, sizes: Array | float, dtype: str) -> bool:
    """Return True if two predictions differ by more than the rounding errors of a correct implementation hide."""
    roundoff = max(DTYPES[dtype].roundoff, DTYPES[DTYPES[dtype].accumulator].roundoff)
    return mean_square(left, right, sizes) > (MIN_ROUNDOFFS * roundoff) ** 2
