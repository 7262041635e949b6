"""The exact answer, computed independently of every implementation.

For operands of up to 32 bits, products and sums in float64 err by less than 2**-52 per operation, far below what is
being judged, and by nothing for exact operands. For float64 operands that are not exact, `summed` splits each product
without error and adds the parts with `math.fsum`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convgauge.operands import Array, Operands
from convgauge.problem import Problem


def answer(problem: Problem, operands: Operands) -> Array:
    """The convolution in float64 (complex128, or int64 for integers); shape ``problem.output_shape``."""
    wide = {"c": "complex128", "i": "int64"}.get(operands.input.dtype.kind, "float64")
    return _convolve(
        problem,
        operands.input.astype(wide),
        operands.weight.astype(wide),
        None if operands.bias is None else operands.bias.astype(wide),
    )


def magnitude(problem: Problem, operands: Operands) -> Array:
    """S = sum |w||x| + |b| for each output: the convolution of absolute values, in float64."""
    return _convolve(
        problem,
        np.abs(operands.input).astype(np.float64),
        np.abs(operands.weight).astype(np.float64),
        None if operands.bias is None else np.abs(operands.bias).astype(np.float64),
    )


def summed(problem: Problem, operands: Operands) -> Array:
    """The convolution of float64 operands, each output correctly rounded; for small problems, as it takes its time.

    A subnormal output is rounded twice, and may be the neighbour of the right one.

    Each product is split into a float64 and its exact remainder (Dekker's product with Veltkamp's splitting; Ogita,
    Rump and Oishi 2005, algorithm 3.3), and `math.fsum` adds all the parts as if in infinite precision. Operands are
    scaled by powers of two first, so that remainders don't underflow where the products are subnormal.
    """
    input, input_exponent = scaled(operands.input)
    weights, weight_exponent = scaled(operands.weight)
    exponent = input_exponent + weight_exponent
    shape = (problem.groups, problem.out_channels // problem.groups)
    weight = weights.reshape(*shape, 1, problem.reduction)
    bias = np.zeros(problem.out_channels) if operands.bias is None else np.ldexp(operands.bias, -exponent)
    output = np.empty((problem.batch, *shape, math.prod(problem.output_size)))
    for image, columns in enumerate(_unfolded(problem, input)):
        product, rest = _split_product(weight, np.swapaxes(columns, 1, 2)[:, None])
        added = np.broadcast_to(bias.reshape(*shape, 1, 1), (*product.shape[:-1], 1))
        terms = np.concatenate([product, rest, added], axis=-1)
        sums = [math.fsum(one) for one in terms.reshape(-1, terms.shape[-1]).tolist()]
        output[image] = np.array(sums).reshape(terms.shape[:-1])
    return np.ldexp(output.reshape(problem.output_shape), exponent)


def root_of_squares(problem: Problem, operands: Operands) -> Array:
    """sqrt(sum (w x)^2) for each output, without the bias, in float64; no square overflows or underflows."""
    input, input_exponent = scaled(operands.input.astype(np.float64))
    weight, weight_exponent = scaled(operands.weight.astype(np.float64))
    squares = _convolve(problem, input**2, weight**2, None)
    return np.ldexp(np.sqrt(squares), input_exponent + weight_exponent)


def scaled(values: Array) -> tuple[Array, int]:
    """(values / 2^e, e) with the largest magnitude in [1/2, 1); e is 0 where there is none or it is not finite."""
    largest = float(np.abs(values).max(initial=0.0))
    exponent = math.frexp(largest)[1] if math.isfinite(largest) else 0
    return np.ldexp(values, -exponent), exponent


def _split_product(a: Array, b: Array) -> tuple[Array, Array]:
    """(p, e) with p = fl(a b) and p + e = a b exactly, barring overflow and underflow."""

    def halves(x: Array) -> tuple[Array, Array]:
        scaled = 134217729.0 * x  # 2**27 + 1: splits 53 digits into 26 + 26 and a sign
        high = scaled - (scaled - x)
        return high, x - high

    product = a * b
    (ah, al), (bh, bl) = halves(a), halves(b)
    return product, al * bl - (((product - ah * bh) - al * bh) - ah * bl)


def _convolve(problem: Problem, input: Array, weight: Array, bias: Array | None) -> Array:
    filters = weight.reshape(problem.groups, problem.out_channels // problem.groups, problem.reduction)
    size = math.prod(problem.output_size)
    output = np.empty((problem.batch, problem.groups, filters.shape[1], size), dtype=input.dtype)
    with np.errstate(all="ignore"):
        for image, columns in enumerate(_unfolded(problem, input)):
            output[image] = np.matmul(filters, columns)
        output = output.reshape(problem.output_shape)
        if bias is not None:
            output += bias[:, None, None]
    return output


def _unfolded(problem: Problem, input: Array) -> Iterator[Array]:
    """For each image, every output's receptive field as a column: (groups, K, OH * OW)."""
    padded = _padded(problem, input)
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    _, c, h, w = padded.strides
    for image in padded:
        windows = as_strided(
            image,
            (problem.in_channels, *problem.kernel, *problem.output_size),
            (c, h * dh, w * dw, h * sh, w * sw),
            writeable=False,
        )
        yield windows.reshape(problem.groups, problem.reduction, math.prod(problem.output_size))


def _padded(problem: Problem, input: Array) -> Array:
    """The input with the problem's zeros around it (np.pad does the same in five times the time on small arrays)."""
    (top, bottom), (left, right) = problem.pads
    if not (top or bottom or left or right):
        return np.ascontiguousarray(input)
    height, width = problem.height, problem.width
    padded = np.zeros((*input.shape[:2], top + height + bottom, left + width + right), dtype=input.dtype)
    padded[:, :, top : top + height, left : left + width] = input
    return padded


def rational(problem: Problem, operands: Operands) -> list[Any]:
    """The same answer by Python's loops and `fractions.Fraction`: slow, beyond doubt; nested lists (N, O, OH, OW)."""
    from fractions import Fraction

    (top, _), (left, _) = problem.pads
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    per_group = problem.in_channels // problem.groups
    out_per_group = problem.out_channels // problem.groups

    def one(n: int, o: int, y: int, x: int) -> Fraction:
        total = Fraction(0) if operands.bias is None else Fraction(float(operands.bias[o]))
        for c in range(per_group):
            for i in range(problem.kernel[0]):
                for j in range(problem.kernel[1]):
                    row, column = y * sh - top + i * dh, x * sw - left + j * dw
                    if 0 <= row < problem.height and 0 <= column < problem.width:
                        value = operands.input[n, o // out_per_group * per_group + c, row, column]
                        total += Fraction(float(value)) * Fraction(float(operands.weight[o, c, i, j]))
        return total

    height, width = problem.output_size
    return [
        [[[one(n, o, y, x) for x in range(width)] for y in range(height)] for o in range(problem.out_channels)]
        for n in range(problem.batch)
    ]


def adjoint(problem: Problem, operands: Operands, upstream: Array) -> tuple[Array, Array, Array | None]:
    """Gradients of <output, upstream> by input, weight and bias (None without one), in float64.

    With y(n, o, p) = sum w(o, c, t) x(n, c, p s + t d - pad): each tap t of the weight takes the upstream gradient
    times the input under it, and gives every input under it the upstream gradient times itself. One tap at a time.
    """
    x, w, g = (array.astype(np.float64) for array in (operands.input, operands.weight, upstream))
    groups, per_group = problem.groups, problem.in_channels // problem.groups
    padded = _padded(problem, x)
    by_padded, by_weight = np.zeros_like(padded), np.zeros_like(w)
    split = (problem.batch, groups, per_group, *problem.output_size)
    g = g.reshape(problem.batch, groups, problem.out_channels // groups, *problem.output_size)
    filters = w.reshape(groups, -1, per_group, *problem.kernel)
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    for i, j in np.ndindex(*problem.kernel):
        seen = np.s_[:, :, i * dh : i * dh + sh * (oh - 1) + 1 : sh, j * dw : j * dw + sw * (ow - 1) + 1 : sw]
        by_weight[:, :, i, j] = np.einsum("ngohw,ngchw->goc", g, padded[seen].reshape(split)).reshape(-1, per_group)
        given = np.einsum("ngohw,goc->ngchw", g, filters[..., i, j])
        by_padded[seen] += given.reshape(problem.batch, problem.in_channels, *problem.output_size)
    (top, _), (left, _) = problem.pads
    by_input = by_padded[:, :, top : top + problem.height, left : left + problem.width]
    by_bias = g.sum(axis=(0, 3, 4)).reshape(-1) if problem.bias else None
    return by_input, by_weight, by_bias
