"""Exact check of a large output by random projections, at a fraction of the cost of the oracle.

A convolution is linear in the images and in the filters. With random factors s_n of the images and r_o of the filters,

    sum_n sum_o s_n r_o y(n, o)  =  conv(sum_n s_n x(n), sum_o r_o w(o)) + sum_n s_n sum_o r_o b(o),

which is the convolution of one image with one filter. Both sides are computed modulo a prime p, without rounding. A
wrong output, or one that is exchanged with another, satisfies the equation of its position with a probability of at
most 2/p, unless its error is a multiple of p. An output that satisfies all equations is accepted. Any other is compared
with the oracle's, so that a fault always rests on the oracle.

Source
------
Freivalds 1977, Probabilistic machines can use less running time; Huang and Abraham 1984, Algorithm-based fault
tolerance for matrix operations.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.memo import memoized
from convgauge.reference.operands import Array, Operands, generator

MIN_FLOPS = 1 << 25
"""FLOPs from which outputs are projected. Below, the oracle takes some milliseconds."""
MIN_SAVING = 16
"""Least number of outputs, over images and the filters of a group, that one projected output stands for."""
MAX_BLOCK = 1 << 15
"""Outputs that are projected at once: their residues take 256 KiB, which a processor's cache holds."""


def answer(problem: Problem, operands: Operands, output: Array | None, tolerance: float) -> Array:
    """Return the exact output, computed by the oracle unless projections confirm the output of a kernel.

    Parameters
    ----------
    problem : Problem
        Parameters of the convolution.
    operands : Operands
        Exact operands (see `convgauge.reference.operands`).
    output : numpy.ndarray or None
        Output of a kernel in its carrier dtype.
    tolerance : float
        Largest difference from an integer that the output may have, less than 1/2.

    Returns
    -------
    numpy.ndarray
        The output, rounded to integers, if it is confirmed; otherwise `convgauge.reference.oracle.answer`.
    """
    if output is not None and is_worthwhile(problem) and output.shape == problem.output_shape:
        rounded = np.rint(output)
        is_near = np.array_equal(rounded, output) if tolerance == 0 else np.all(np.abs(rounded - output) <= tolerance)
        if is_near and confirms(problem, operands, rounded):
            return np.asarray(rounded)
    return oracle.answer(problem, operands)


def is_worthwhile(problem: Problem) -> bool:
    """Return True if projections of a problem's output cost much less than its oracle."""
    outputs = problem.batch * (problem.out_channels // problem.groups)
    if problem.direction != "forward":
        return False
    return DTYPES[problem.dtype].kind == "f" and problem.flops >= MIN_FLOPS and outputs >= MIN_SAVING


def confirms(problem: Problem, operands: Operands, output: Array) -> bool:
    """Return True if an output of integers has the projections of the exact one."""
    prime, images, filters = _factors(problem)
    size = math.prod(problem.output_size)
    projected, step = np.zeros(size), max(1, MAX_BLOCK // max(1, size))
    for factor, planes in zip(images, output.reshape(problem.batch, -1, size), strict=True):
        image = np.zeros(size)
        for first in range(0, problem.out_channels, step):
            image += filters[first : first + step] @ _residues(planes[first : first + step], prime)
        projected += factor * _residues(image, prime)
    difference = projected - project(problem, operands).reshape(-1)
    return not _residues(difference, prime).any()


@memoized
def project(problem: Problem, operands: Operands) -> Array:
    """Compute the projection of the exact output, of shape ``problem.output_size``, from exact operands."""
    prime, images, filters = _factors(problem)
    image = np.zeros(problem.input_shape[1:])
    step = max(1, MAX_BLOCK // max(1, problem.height * problem.width))
    for factor, planes in zip(images, operands.input, strict=True):
        for first in range(0, problem.in_channels, step):
            block = _residues(planes[first : first + step], prime)
            block *= factor
            image[first : first + step] += block
    weight = _residues(operands.weight, prime).reshape(problem.groups, -1, problem.reduction)
    filter = np.einsum("goc,go->gc", weight, filters.reshape(problem.groups, -1))
    filter = _residues(filter, prime).reshape(problem.in_channels, *problem.kernel)
    projected = _convolved(problem, _residues(image, prime), filter)
    if operands.bias is not None:
        bias = (filters * _residues(operands.bias, prime)).sum(keepdims=True)
        projected += _residues(_residues(bias, prime) * _residues(images.sum(keepdims=True), prime), prime)
    return _residues(projected, prime)


def _convolved(problem: Problem, image: Array, filter: Array) -> Array:
    """Return the convolution of one image (C, H, W) with one filter (C, KH, KW), of shape ``problem.output_size``."""
    padded = oracle.pad(problem, image[None])[0]
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    output = np.zeros((oh, ow))
    for i, j in np.ndindex(*problem.kernel):
        window = padded[:, i * dh : i * dh + sh * (oh - 1) + 1 : sh, j * dw : j * dw + sw * (ow - 1) + 1 : sw]
        output += np.tensordot(filter[:, i, j], window, 1)
    return output


def _factors(problem: Problem) -> tuple[int, Array, Array]:
    """Return the prime, and the random factors of the images and of the filters: residues without 0."""
    terms = max(problem.in_channels * math.prod(problem.kernel), problem.out_channels, problem.batch)
    prime = largest_prime(math.isqrt(2**54 // (terms + 1)))  # a residue is at most p / 2: terms p^2 / 4 <= 2^52
    random = generator(problem, "projection", 0)
    images, filters = (random.integers(1, prime, size) for size in (problem.batch, problem.out_channels))
    return prime, _residues(images, prime), _residues(filters, prime)


@functools.lru_cache(maxsize=64)
def largest_prime(limit: int) -> int:
    """Return the largest prime up to a limit of at least 2."""
    return next(n for n in range(limit, 1, -1) if all(n % divisor for divisor in range(2, math.isqrt(n) + 1)))


def _residues(values: Array, prime: int) -> Array:
    """Return the residues of integers as float64, from -p/2 to p/2; exact for integers up to 2^53."""
    residues = values.astype(np.float64)
    quotients = residues * (1.0 / prime)
    np.rint(quotients, out=quotients)
    quotients *= prime
    residues -= quotients
    return residues
