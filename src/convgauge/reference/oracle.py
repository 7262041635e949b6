"""The exact answer, computed independently of every implementation.

For operands of up to 32 bits, products and sums in float64 err by less than 2**-52 per operation, far below what is
being judged, and by nothing for exact operands. For float64 operands that are not exact, `summed` cuts them into slices
whose products add up without error, and adds those with `math.fsum`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from convgauge.problem import Problem
from convgauge.reference.memo import recalled
from convgauge.reference.operands import Array, Operands

COLUMNS = 1 << 20  # elements of the receptive fields of some images that are laid out at once
LARGEST = 1 << 23  # and of one image; of a larger one, some rows are


@recalled
def answer(problem: Problem, operands: Operands) -> Array:
    """The convolution in float64 (complex128, or int64 for integers); shape ``problem.output_shape``."""
    wide = {"c": "complex128", "i": "int64"}.get(operands.input.dtype.kind, "float64")
    return _convolve(problem, operands.input, operands.weight, operands.bias, wide)


@recalled
def magnitude(problem: Problem, operands: Operands) -> Array:
    """S = sum |w||x| + |b| for each output: the convolution of absolute values, in float64."""
    return _convolve(
        problem,
        np.abs(operands.input),
        np.abs(operands.weight),
        None if operands.bias is None else np.abs(operands.bias),
    )


@recalled
def summed(problem: Problem, operands: Operands) -> Array:
    """The convolution of finite float64 operands, each output correctly rounded. Raises `ValueError` for others.

    A subnormal output is rounded twice, and may be the neighbour of the right one.

    The operands are cut into slices of so few bits that matrix products of slices are sums of integers below 2^53,
    which float64 adds without error in any order (Ozaki, Ogita, Oishi and Rump 2012); `math.fsum` then adds the few
    products of an output as if in infinite precision. Operands are scaled by powers of two first, so that nothing
    underflows where they are subnormal.
    """
    input, input_exponent = scaled(operands.input)
    weights, weight_exponent = scaled(operands.weight)
    exponent = input_exponent + weight_exponent
    bits = (53 - max(1, problem.reduction).bit_length() - _PAIRS.bit_length()) // 2
    unfolded = [list(_unfolded(problem, _padded(problem, slice))) for slice in _sliced(input, bits)]
    filters = [slice.reshape(problem.groups, -1, problem.reduction) for slice in _sliced(weights, bits)]
    levels: dict[int, list[tuple[int, int]]] = {}
    for i, j in np.ndindex(len(unfolded), len(filters)):
        levels.setdefault(i + j, []).append((i, j))
    bias = np.zeros(problem.out_channels) if operands.bias is None else np.ldexp(operands.bias, -exponent)
    terms = [np.broadcast_to(bias[:, None, None], problem.output_shape)]
    for level, pairs in levels.items():
        for first in range(0, len(pairs), _PAIRS):
            products = [[filters[j] @ part for part in unfolded[i]] for i, j in pairs[first : first + _PAIRS]]
            total = [sum(parts[1:], parts[0]) for parts in zip(*products, strict=True)]
            terms.append(np.ldexp(_joined(problem, total), -bits * (level + 2)))
    sums = [math.fsum(one) for one in np.stack(terms, axis=-1).reshape(-1, len(terms)).tolist()]
    output: Array = np.array(sums).reshape(problem.output_shape)
    return np.asarray(np.ldexp(output, exponent))


_PAIRS = 15  # products of slices of one magnitude that are added up before the sum of all


def _sliced(values: Array, bits: int) -> list[Array]:
    """Integers s_0, s_1, ... of up to ``bits`` bits and a sign with values = sum s_i 2^(-bits (i + 1)), without error.

    ``values`` are at most 1 in magnitude. Each slice is what is left, rounded to its grid; the rest is exact.
    """
    if not np.isfinite(values).all():
        raise ValueError("an operand is not finite: there is no sum to be exact about")
    slices: list[Array] = []
    rest = values
    while rest.any() or not slices:
        scale = bits * (len(slices) + 1)
        slices.append(np.rint(np.ldexp(rest, scale)))
        rest = rest - np.ldexp(slices[-1], -scale)
    return slices


@recalled
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


def _convolve(problem: Problem, input: Array, weight: Array, bias: Array | None, dtype: str = "float64") -> Array:
    """The convolution with products and sums in ``dtype``."""
    filters = weight.astype(dtype).reshape(problem.groups, problem.out_channels // problem.groups, problem.reduction)
    with np.errstate(all="ignore"):
        parts = [np.matmul(filters, columns) for columns in _unfolded(problem, _padded(problem, input, dtype))]
        output = _joined(problem, parts)
        if bias is not None:
            output += bias.astype(dtype)[:, None, None]
    return output


def _unfolded(problem: Problem, padded: Array) -> Iterator[Array]:
    """Every output's receptive field as a column: (images, groups, K, columns).

    Some images at a time, or where one alone has too many columns, some of its rows after the others.
    """
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    (oh, ow), (n, c, h, w) = problem.output_size, padded.strides
    row = max(1, problem.in_channels * math.prod(problem.kernel) * ow)
    images, rows = max(1, COLUMNS // (row * max(1, oh))), min(oh, max(1, LARGEST // row))
    for first in range(0, max(1, problem.batch), images):
        count = min(images, problem.batch - first)
        for top in range(0, max(1, oh), max(1, rows)):
            end = min(oh, top + rows)
            windows: Array = np.ndarray(
                (count, problem.in_channels, *problem.kernel, end - top, ow),
                padded.dtype,
                padded,
                first * n + top * sh * h,
                (n, c, h * dh, w * dw, h * sh, w * sw),
            )
            yield windows.reshape(count, problem.groups, problem.reduction, (end - top) * ow)


def _joined(problem: Problem, parts: list[Array]) -> Array:
    """The output, from what became of the parts of `_unfolded`, each (images, groups, outputs, columns)."""
    if len(parts) == 1:
        return parts[0].reshape(problem.output_shape)
    size = math.prod(problem.output_size)
    output = np.empty((problem.batch, *parts[0].shape[1:3], size), parts[0].dtype)
    place = 0
    for part in parts:
        image, first = divmod(place, size)
        output[image : image + len(part), ..., first : first + part.shape[3]] = part
        place += len(part) * part.shape[3]
    return output.reshape(problem.output_shape)


def _padded(problem: Problem, input: Array, dtype: str = "float64") -> Array:
    """A copy of the input in ``dtype`` with the problem's zeros around it."""
    (top, bottom), (left, right) = problem.pads
    height, width = problem.height, problem.width
    padded = np.zeros((*input.shape[:2], top + height + bottom, left + width + right), dtype)
    padded[:, :, top : top + height, left : left + width] = input
    return padded


@recalled
def adjoint(problem: Problem, operands: Operands, upstream: Array) -> tuple[Array, Array, Array | None]:
    """Gradients of <output, upstream> by input, weight and bias (None without one), in float64 or complex128.

    For complex operands it is torch's convention: the conjugate operand takes the upstream gradient.

    With y(n, o, p) = sum w(o, c, t) x(n, c, p s + t d - pad): each tap t of the weight takes the upstream gradient
    times the input under it, and gives every input under it the upstream gradient times itself. One tap at a time.
    """
    wide = "complex128" if operands.input.dtype.kind == "c" else "float64"
    x, w, g = (array.astype(wide) for array in (operands.input.conj(), operands.weight.conj(), upstream))
    groups, per_group = problem.groups, problem.in_channels // problem.groups
    padded = _padded(problem, x, wide)
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
