"""Operands drawn for a problem: what each family is for, and how it is made.

*Exact* operands are small integers whose products add up without rounding in every order, so that the float64
result is the answer and an indexing fault moves an output by at least 1. The other families are real numbers, each
hard in its own way; they are judged against a bound (see `convgauge.reference.accuracy`).
"""

from __future__ import annotations

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
from convgauge.reference.memo import recalled

Array = np.ndarray[Any, Any]
Random = np.random.Generator


@dataclass(frozen=True)
class Operands:
    """Input (N, C, H, W), weight (O, C/G, KH, KW), bias (O,) or None, in the problem's carrier dtype."""

    input: Array
    weight: Array
    bias: Array | None


def generator(problem: Problem, family: str, seed: int) -> Random:
    """The random generator of one case: the same problem, family and seed always give the same operands.

    All cases of a thread share one generator, started anew for each: making one takes ten times as long.
    """
    digest = hashlib.blake2b(f"{family} {seed} {problem.text}".encode(), digest_size=16).digest()
    _OWN.state["state"]["state"] = int.from_bytes(digest, "little")
    _OWN.random.bit_generator.state = _OWN.state
    return _OWN.random


class _Own(threading.local):
    """A thread's generator, and a state to be set with another seed."""

    def __init__(self) -> None:
        self.random = np.random.Generator(np.random.PCG64(0))
        self.state: Any = self.random.bit_generator.state


_OWN = _Own()


@recalled
def draw(problem: Problem, family: str = "exact", seed: int = 0, headroom: float = 1.0) -> Operands:
    """Operands of ``family`` for ``problem``. Raises `KeyError` for a family that is not in `FAMILIES`.

    ``headroom`` divides the largest sum that exact operands may reach: 1 for implementations that add integers
    without error, more for those that are allowed a rounding error (FFT, Winograd), which must stay below 1/4.
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
    """(m, taps, b): elements up to m in magnitude, non-zero weights per output, bias up to b.

    Chosen so that taps m^2 + b <= L, where L = 2**digits / headroom: then every partial sum of the products, in any
    order, is an integer of at most that many digits and is held exactly (after oneDNN's benchdnn). Half of L is the
    bias's. A complex product may be made of three real ones, (a + b)(c + d) among them: four times m^2, with the bias's
    two parts added to one another, each a quarter of L. Where not even +-1 everywhere fits, weights beyond ``taps`` per
    output are zero.
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
    """Arrays of integers from -largest to largest without 0, since a zero hides whether its element was used."""
    parts = 2 if DTYPES[dtype].kind == "c" else 1
    sizes = [math.prod(shape) for shape in shapes]
    total = sum(sizes)
    raw: Array = random.bit_generator.random_raw(parts * total)  # a tenth of the time of `integers` where there are few
    drawn = (raw % np.uint64(2 * largest)).astype(np.int64) - largest
    drawn += drawn >= 0
    values = (drawn[:total] + 1j * drawn[total:] if parts == 2 else drawn).astype(DTYPES[dtype].carrier)
    ends = itertools.accumulate(sizes)
    return [values[end - size : end].reshape(shape) for end, size, shape in zip(ends, sizes, shapes, strict=True)]


def _scattered(random: Random, problem: Problem, taps: int) -> Array:
    """A mask of the weight's shape with ``taps`` places set in each output's filter."""
    rows = np.zeros((problem.out_channels, problem.reduction), dtype=bool)
    for row in rows:
        row[random.choice(problem.reduction, size=taps, replace=False)] = True
    return rows.reshape(problem.weight_shape)


# --- reals -----------------------------------------------------------------------------------------------------------

Drawn = tuple[Array, Array, Array]


def _gaussian(problem: Problem, random: Random) -> Drawn:
    """Standard normal: products of both signs, the usual case."""
    return (
        random.standard_normal(problem.input_shape),
        random.standard_normal(problem.weight_shape),
        random.standard_normal(problem.out_channels),
    )


def _positive(problem: Problem, random: Random) -> Drawn:
    """Uniform in [1, 2): nothing cancels, so partial sums grow and a narrow accumulator shows."""
    return (
        random.uniform(1, 2, problem.input_shape),
        random.uniform(1, 2, problem.weight_shape),
        random.uniform(1, 2, problem.out_channels),
    )


def _decades(problem: Problem) -> float:
    """Half the decades over which scales may be spread so that no product leaves the dtype's normal range."""
    return min(6.0, math.log10(DTYPES[problem.dtype].largest) / 4)


def _wide(problem: Problem, random: Random) -> Drawn:
    """Every input position has its own scale over many decades: a method that is not componentwise loses the small."""
    decades = _decades(problem)
    scale = 10.0 ** random.uniform(-decades, decades, (problem.batch, 1, problem.height, problem.width))
    input, weight, bias = _gaussian(problem, random)
    return input * scale, weight, bias * 10.0**-decades


def _cancelling(problem: Problem, random: Random) -> Drawn:
    """A nearly constant input under filters that add up to nearly nothing: results far below the sum of magnitudes."""
    input, weight, bias = _gaussian(problem, random)
    if problem.reduction > 1:
        weight = weight - weight.mean(axis=(1, 2, 3), keepdims=True)
    return 1.0 + input * 2.0**-10, weight, bias * 2.0**-10


def _small_onto_large(problem: Problem, random: Random) -> Drawn:
    """One large product, then many small ones: an accumulator that is too narrow loses all the small."""
    input, weight, bias = _positive(problem, random)
    if weight.size:
        weight[:, 0, 0, 0] *= 2.0 ** (DTYPES[problem.dtype].digits // 2)
    return input, weight, bias


def _biased(problem: Problem, random: Random) -> Drawn:
    """A bias some hundred times the sum of the products: rounding it, or the sum with it, more than once shows."""
    input, weight, bias = _gaussian(problem, random)
    return input, weight / math.sqrt(max(1, problem.reduction)), bias * 128.0


def _mixed_zeros(problem: Problem, random: Random) -> Drawn:
    """Gaussian with half of the elements zero, of either sign."""

    def thin(values: Array) -> Array:
        keep = random.integers(0, 4, values.shape)
        return np.where(keep >= 2, values, np.where(keep == 0, 0.0, -0.0))

    input, weight, bias = _gaussian(problem, random)
    return thin(input), thin(weight), thin(bias)


def _subnormal(problem: Problem, random: Random) -> Drawn:
    """Subnormal inputs under weights around 1: flushing to zero would lose every output."""
    input, weight, _ = _gaussian(problem, random)
    tiny = DTYPES[problem.dtype].tiny
    return input * tiny / 4, np.clip(weight, -2, 2), random.standard_normal(problem.out_channels) * tiny


def _subnormal_weights(problem: Problem, random: Random) -> Drawn:
    """Subnormal weights on inputs around 1, for an implementation may flush the one and not the other."""
    input, weight, bias = _gaussian(problem, random)
    tiny = DTYPES[problem.dtype].tiny
    return np.clip(input, -2, 2), weight * tiny / 4, bias * tiny


def _near_overflow(problem: Problem, random: Random) -> Drawn:
    """Magnitudes whose sum comes within a factor of two of the largest finite number, and no further."""
    input, weight, bias = _positive(problem, random)
    room = DTYPES[problem.dtype].largest / (4.0 * problem.reduction + 4.0) / 1.01
    root = math.sqrt(room)
    sign = np.where(random.integers(0, 2, problem.out_channels) == 0, 1.0, -1.0)
    return input * root, weight * root * sign[:, None, None, None], bias * room * sign


def _large(problem: Problem, random: Random) -> Drawn:
    """As near to overflow as a fast algorithm may come: its transforms add up a plane, or multiply by thousands.

    2^20 is the product of what Winograd's F(6x6, 3x3) multiplies by in its transforms of input and output, some 2^8
    and 2^12 for rows and columns together. float16 is transformed in float32, which leaves that room.
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
