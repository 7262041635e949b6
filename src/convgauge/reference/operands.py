"""Operand families and their draws.

*Exact* operands are small integers whose products add up without rounding in every order. So the float64 result is the
exact output, and an indexing fault changes an output by at least 1. The other families are real numbers, each with a
difficulty of its own. They are judged against a bound (see `convgauge.reference.accuracy`).
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.reference.memo import memoized

Array = np.ndarray[Any, Any]
Random = np.random.Generator


@dataclass(frozen=True)
class Operands:
    """Input (N, C, H, W), weight (O, C/G, KH, KW), bias (O,) or None, in the problem's carrier dtype.

    Where the problem is the gradient by the input or by the weight, the gradient of the output (N, O, OH, OW) takes the
    place of that operand.
    """

    input: Array
    weight: Array
    bias: Array | None


def generator(problem: Problem, family: str, seed: int) -> Random:
    """Return the random generator of one case, whose state depends only on problem, family and seed.

    All cases of a thread share one generator, which is reset for each: to construct one takes ten times as long.
    """
    digest = hashlib.blake2b(f"{family} {seed} {problem.text}".encode(), digest_size=16).digest()
    _SHARED.state["state"]["state"] = int.from_bytes(digest, "little")
    _SHARED.random.bit_generator.state = _SHARED.state
    return _SHARED.random


class _ThreadGenerator(threading.local):
    """Generator of a thread, and a state that is set with another seed."""

    def __init__(self) -> None:
        self.random = np.random.Generator(np.random.PCG64(0))
        self.state: Any = self.random.bit_generator.state


_SHARED = _ThreadGenerator()


@memoized
def draw(problem: Problem, family: str = "exact", seed: int = 0, headroom: float = 1.0) -> Operands:
    """Draw operands.

    Parameters
    ----------
    problem : Problem
        Problem whose shapes and dtype the operands have.
    family : str
        "exact" or a name of `FAMILIES`.
    seed : int
        Seed; the same arguments always give the same operands.
    headroom : float
        Divisor of the largest sum that exact operands may reach: 1 for implementations that add integers without
        error, more for those that may have a rounding error (FFT, Winograd), which must stay below 1/4.

    Returns
    -------
    Operands
        Arrays in the problem's carrier dtype, rounded to its dtype.

    Raises
    ------
    KeyError
        If the family is unknown.
    """
    random = generator(problem, family, seed)
    if family == "exact":
        return _exact(problem, random, headroom)
    input, weight, bias = FAMILIES[family](problem, random)
    return Operands(
        round_to(input, problem.dtype),
        round_to(weight, problem.dtype),
        round_to(bias, problem.dtype) if problem.bias else None,
    )


# --- exact -----------------------------------------------------------------------------------------------------------


def exact_range(problem: Problem, headroom: float = 1.0) -> tuple[int, int, int]:
    """Return (m, taps, b): elements up to m in magnitude, non-zero weights per output, bias up to b.

    They satisfy taps m^2 + b <= L, where L = 2**digits / headroom. Then every partial sum of the products, in any
    order, is an integer of at most that many digits, which the dtype represents. Half of L is the bias's. A complex
    product may consist of three real ones, (a + b)(c + d) among them: four times m^2, with the two parts of the bias
    added, each a quarter of L. If not even +-1 everywhere fits, weights beyond ``taps`` per output are zero.

    Source
    ------
    oneDNN's benchdnn.
    """
    dtype = DTYPES[problem.dtype]
    largest = min(2.0**dtype.digits, dtype.largest)
    limit = max(2, int(largest / headroom))
    for_bias = min(limit // 2, limit - 1) if problem.bias else 0
    for_sum = limit - for_bias
    terms = max(1, problem.reduction)
    if dtype.kind == "c":
        terms, for_bias = 4 * terms, for_bias // 2
    largest_element = min(math.isqrt(for_sum // terms), 2 ** (dtype.digits - 1))
    if largest_element >= 1:
        return largest_element, terms, for_bias
    return 1, for_sum, for_bias


def _exact(problem: Problem, random: Random, headroom: float) -> Operands:
    largest, taps, for_bias = exact_range(problem, headroom)
    shapes = (problem.weight_shape, problem.input_shape)
    weight, input = _integers(random, shapes, largest, problem.dtype)
    if taps < problem.reduction:
        weight = weight * _scattered(random, problem, taps).astype(weight.dtype)
    bias = _integers(random, ((problem.out_channels,),), for_bias, problem.dtype)[0] if problem.bias else None
    return Operands(input, weight, bias)


def _integers(random: Random, shapes: tuple[tuple[int, ...], ...], largest: int, dtype: str) -> list[Array]:
    """Draw integers from -largest to largest without 0, because a zero has no effect on any output."""
    parts = 2 if DTYPES[dtype].kind == "c" else 1
    sizes = [math.prod(shape) for shape in shapes]
    total = sum(sizes)
    raw: Array = random.bit_generator.random_raw(parts * total)  # a tenth of the time of `integers` for small arrays
    indices = _remainders(raw, 2 * largest)
    carrier = DTYPES[dtype].carrier
    if parts == 2:
        drawn = _nonzero(largest, "float64", indices)
        values = (drawn[:total] + 1j * drawn[total:]).astype(carrier)
    else:
        values = _nonzero(largest, carrier, indices)
    ends = itertools.accumulate(sizes)
    return [values[end - size : end].reshape(shape) for end, size, shape in zip(ends, sizes, shapes, strict=True)]


def _remainders(raw: Array, divisor: int) -> Array:
    """Return the remainders of unsigned integers, computed by NumPy's division, which is faster than its remainder."""
    quotients = raw // np.uint64(divisor)
    quotients *= np.uint64(divisor)
    remainders: Array = np.subtract(raw, quotients, out=quotients).view(np.int64)
    return remainders


def _nonzero(largest: int, carrier: str, indices: Array) -> Array:
    """Return the integers from -largest to largest without 0 at some indices, in a type."""
    if largest <= MAX_TABLE:
        values: Array = _table(largest, carrier).take(indices)
        return values
    drawn = indices - largest
    drawn += drawn >= 0
    return drawn.astype(carrier)


MAX_TABLE = 4096
"""Largest element of a table of integers, so that a table takes no more than 64 KiB."""


@functools.lru_cache(maxsize=256)
def _table(largest: int, carrier: str) -> Array:
    """Return the integers from -largest to largest without 0, in a type."""
    integers = np.arange(-largest, largest)
    return (integers + (integers >= 0)).astype(carrier)


def _scattered(random: Random, problem: Problem, taps: int) -> Array:
    """Return a mask of the second operand's shape with ``taps`` elements set among those that one output adds up."""
    first, *others = problem.weight_shape
    groups = problem.groups if problem.direction == "grad_input" else 1
    channels = first if problem.direction == "forward" else groups * others[0]
    rows = np.zeros((channels, problem.reduction), dtype=bool)
    for row in rows:
        row[random.choice(problem.reduction, size=taps, replace=False)] = True
    if problem.direction == "forward":
        return rows.reshape(problem.weight_shape)
    split = rows.reshape(groups, others[0], first // groups, *others[1:])
    return np.moveaxis(split, 1, 2).reshape(problem.weight_shape)


def _channels_of_result(problem: Problem) -> int:
    """Return the axis of the second operand that is one of the result; over the others, products are added up."""
    return 0 if problem.direction == "forward" else 1


# --- reals -----------------------------------------------------------------------------------------------------------

Drawn = tuple[Array, Array, Array]


def _gaussian(problem: Problem, random: Random) -> Drawn:
    """Draw standard normal numbers: products of both signs, the usual case."""
    return (
        random.standard_normal(problem.input_shape),
        random.standard_normal(problem.weight_shape),
        random.standard_normal(problem.out_channels),
    )


def _positive(problem: Problem, random: Random) -> Drawn:
    """Draw uniformly from [1, 2): nothing cancels, so partial sums grow beyond a narrow accumulator."""
    return (
        random.uniform(1, 2, problem.input_shape),
        random.uniform(1, 2, problem.weight_shape),
        random.uniform(1, 2, problem.out_channels),
    )


def _decades(problem: Problem) -> float:
    """Return half the decades of the scales, so that no product leaves the dtype's normal range."""
    return min(6.0, math.log10(DTYPES[problem.dtype].largest) / 4)


def _wide(problem: Problem, random: Random) -> Drawn:
    """Draw a scale over many decades for every input position: a method that is not componentwise loses the small."""
    decades = _decades(problem)
    batch, _, height, width = problem.input_shape
    scale = 10.0 ** random.uniform(-decades, decades, (batch, 1, height, width))
    input, weight, bias = _gaussian(problem, random)
    return input * scale, weight, bias * 10.0**-decades


def _cancelling(problem: Problem, random: Random) -> Drawn:
    """Draw a nearly constant input and filters with a sum near 0: outputs far below the sum of magnitudes."""
    input, weight, bias = _gaussian(problem, random)
    if problem.reduction > 1:
        summed = tuple(axis for axis in range(4) if axis != _channels_of_result(problem))
        weight = weight - weight.mean(axis=summed, keepdims=True)
    return 1.0 + input * 2.0**-10, weight, bias * 2.0**-10


def _small_onto_large(problem: Problem, random: Random) -> Drawn:
    """Draw one large product before many small ones: an accumulator that is too narrow loses all the small."""
    input, weight, bias = _positive(problem, random)
    if weight.size:
        np.moveaxis(weight, _channels_of_result(problem), 0)[:, 0, 0, 0] *= 2.0 ** (DTYPES[problem.dtype].digits // 2)
    return input, weight, bias


def _biased(problem: Problem, random: Random) -> Drawn:
    """Draw a bias of about a hundred times the sum of the products, to detect a second rounding of either."""
    input, weight, bias = _gaussian(problem, random)
    return input, weight / math.sqrt(max(1, problem.reduction)), bias * 128.0


def _mixed_zeros(problem: Problem, random: Random) -> Drawn:
    """Draw Gaussian numbers and set half of the elements to zero, of either sign."""

    def thin(values: Array) -> Array:
        keep = random.integers(0, 4, values.shape)
        return np.where(keep >= 2, values, np.where(keep == 0, 0.0, -0.0))

    input, weight, bias = _gaussian(problem, random)
    return thin(input), thin(weight), thin(bias)


def _subnormal(problem: Problem, random: Random) -> Drawn:
    """Draw subnormal inputs and weights around 1: flushing to zero would lose every output."""
    input, weight, _ = _gaussian(problem, random)
    tiny = DTYPES[problem.dtype].tiny
    return input * tiny / 4, np.clip(weight, -2, 2), random.standard_normal(problem.out_channels) * tiny


def _subnormal_weights(problem: Problem, random: Random) -> Drawn:
    """Draw subnormal weights and inputs around 1: an implementation may flush one operand and not the other."""
    input, weight, bias = _gaussian(problem, random)
    tiny = DTYPES[problem.dtype].tiny
    return np.clip(input, -2, 2), weight * tiny / 4, bias * tiny


def _near_overflow(problem: Problem, random: Random) -> Drawn:
    """Draw magnitudes whose sum is within a factor of two of the largest finite number, and below it."""
    input, weight, bias = _positive(problem, random)
    room = DTYPES[problem.dtype].largest / (4.0 * problem.reduction + 4.0) / 1.01
    root = math.sqrt(room)
    channels = _channels_of_result(problem)
    sign = np.where(random.integers(0, 2, weight.shape[channels]) == 0, 1.0, -1.0)
    signed = np.moveaxis(np.moveaxis(weight * root, channels, -1) * sign, -1, channels)
    return input * root, signed, bias * room * sign if problem.bias else bias


def _large(problem: Problem, random: Random) -> Drawn:
    """Draw numbers as large as a fast algorithm allows: its transforms add a plane, or multiply by thousands.

    2^20 is the product of the factors of Winograd's F(6x6, 3x3) in its transforms of input and output, about 2^8 and
    2^12 for rows and columns together. float16 is transformed in float32, whose range contains these factors.
    """
    input, weight, bias = _near_overflow(problem, random)
    if DTYPES[problem.dtype].digits == DTYPES["float16"].digits:
        return input, weight, bias
    (top, bottom), (left, right) = problem.pads
    plane = (problem.height + top + bottom) * (problem.width + left + right)
    root = 2.0**-10 / math.sqrt(max(1, plane))
    return input * root, weight * root, bias * root**2


FAMILIES: dict[str, Callable[[Problem, Random], Drawn]] = {
    "gaussian": _gaussian,
    "positive": _positive,
    "wide": _wide,
    "cancelling": _cancelling,
    "small_onto_large": _small_onto_large,
    "biased": _biased,
    "mixed_zeros": _mixed_zeros,
    "subnormal": _subnormal,
    "subnormal_weights": _subnormal_weights,
    "near_overflow": _near_overflow,
    "large": _large,
}
