"""Lanes: contestants are ranked with those of equal precision alone, which is measured on the race's own problem.

The measure is the size of a typical error on Gaussian operands, relative to the output's root mean square. It is taken
from the median, so that a few wrong outputs do not look like low precision. Each lane allows the error that its
arithmetic must make, derived from independent roundings, times a factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from convgauge.dtypes import DTYPES
from convgauge.race.workload import Workload
from convgauge.reference import accuracy
from convgauge.reference.operands import Array

ALLOWANCE = 16.0
"""Largest root mean square error on Gaussian operands, in multiples of a plain sum's.

Winograd's F(4x4, 3x3) was measured at 3 to 4 times it. Operands rounded to TF32 err by 0.8 * 2**-11 of the output's
root mean square: more than ALLOWANCE times a float32 sum's error up to about 900,000 products.
"""

LOWER_ALLOWANCE = 2.0
"""The same for arithmetic of lower precision, whose error is known more closely."""

DEVIATION_PER_MEDIAN = 1.4826
"""Standard deviation of normal values, in multiples of the median of their sizes."""

TF32, BFLOAT16 = 2.0**-11, 2.0**-8
"""Unit roundoffs of operands with 11 binary digits (TF32 and float16) and with 8."""


@dataclass(frozen=True)
class Lane:
    """Contestants of one precision; ``allowed`` is the largest root mean square error, relative to the output's.

    ``name`` is empty for the precision of the problem's dtype.
    """

    name: str
    allowed: float


FULL_PRECISION = Lane("", 0.0)
"""Lane of the dtype's precision, before a problem says what that allows."""


def lanes(work: Workload) -> list[Lane]:
    """Return the lanes of a workload, from the highest precision; integer dtypes have the first alone."""
    dtype = DTYPES[work.problem.dtype]
    first = Lane("", allowed_error(work))
    lower = []
    if dtype.kind == "i":
        return [first]
    if dtype.name in ("float64", "float32"):
        lower += [("TF32 or float16 operands", _operands(TF32)), ("bfloat16 operands", _operands(BFLOAT16))]
        lower += [("float16 sums", _operands(TF32) + _sums(work, TF32))]
    if dtype.name == "float64":
        single = ALLOWANCE * _sums(work, DTYPES["float32"].roundoff) / LOWER_ALLOWANCE
        lower += [("float32 sums", single)]
    if dtype.accumulator != dtype.name:
        lower += [(f"{dtype.name} sums", _sums(work, dtype.roundoff))]
    named = [Lane(name, first.allowed + LOWER_ALLOWANCE * error) for name, error in lower]
    return [first, *sorted(named, key=lambda lane: lane.allowed)]


def allowed_error(work: Workload) -> float:
    """Return the root mean square error that the precision of the dtype allows, as a part of the output's.

    Adding K products of variance s^2 one after the other rounds sums of variance k s^2, each by a uniform error of
    variance u^2 k s^2 / 3: u^2 s^2 K^2 / 6 together, and the products' own roundings K u^2 s^2 / 3. Divided by the
    output's K s^2 that is u^2 (K + 2) / 6. `accuracy.transform_terms` are added for fast algorithms, and ALLOWANCE
    multiplies its root; a narrower output type adds its own rounding, twice if there is a bias.
    """
    dtype = DTYPES[work.problem.dtype]
    terms = work.reduction + 2 + accuracy.transform_terms(work.problem)
    computed = ALLOWANCE * DTYPES[dtype.accumulator].roundoff * math.sqrt(terms / 6)
    return computed + (2 * dtype.roundoff if dtype.accumulator != dtype.name else 0.0)


def _operands(roundoff: float) -> float:
    """Return the error of both operands rounded: u^2 / 3 of each product's variance for either."""
    return math.sqrt(2 / 3) * roundoff


def _sums(work: Workload, roundoff: float) -> float:
    """Return the error of sums with so large a unit roundoff; see `allowed_error`."""
    return roundoff * math.sqrt((work.reduction + 2) / 6)


def typical_error(output: Array, expected: Array) -> float:
    """Return the size of a typical error, relative to the output's root mean square; infinite if it is not finite."""
    if not output.size:
        return 0.0
    errors = np.abs(output.astype(expected.dtype) - expected)
    size = root_mean_square(expected)
    error = DEVIATION_PER_MEDIAN * float(np.median(errors))
    if not math.isfinite(error):
        return math.inf
    return error / size if size else math.inf if error else 0.0


def lane_of(work: Workload, error: float) -> Lane | None:
    """Return the first lane that allows a typical error; None if none does."""
    return next((lane for lane in lanes(work) if error <= lane.allowed), None)


def root_mean_square(values: Array) -> float:
    """Return the root of the mean square of an array's elements."""
    return float(np.sqrt(np.mean(np.abs(values) ** 2, dtype=np.float64)))
