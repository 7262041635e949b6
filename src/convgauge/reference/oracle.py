"""Exact output of a convolution, computed independently of every implementation.

For operands of up to 32 bits, products and sums in float64 have errors below 2**-52 per operation, far below those of
any dtype under test, and none for exact operands. For other float64 operands, `summed` cuts the operands into slices
whose products add up without error, and adds those with `math.fsum`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from convgauge.problem import Problem
from convgauge.reference.memo import memoized
from convgauge.reference.operands import Array, Operands

MAX_UNFOLDED = 1 << 20
"""Elements of the receptive fields that are unfolded at once, if they are those of several images."""
MAX_UNFOLDED_IMAGE = 1 << 23
"""Elements of the receptive fields of one image that are unfolded at once; a larger one is unfolded by rows."""


@memoized
def answer(problem: Problem, operands: Operands) -> Array:
    """Compute the convolution, or the gradient that the problem stands for.

    Parameters
    ----------
    problem : Problem
        Parameters of the convolution, and the direction.
    operands : Operands
        Operands in any carrier dtype.

    Returns
    -------
    numpy.ndarray
        Output of shape ``problem.output_shape`` in float64; in complex128 for complex operands, in int64 for integers.
    """
    wide = {"c": "complex128", "i": "int64"}.get(operands.input.dtype.kind, "float64")
    return _compute(problem, operands.input, operands.weight, operands.bias, wide)


@memoized
def magnitude(problem: Problem, operands: Operands) -> Array:
    """Compute S = sum |w||x| + |b| of each output, the convolution of absolute values, in float64."""
    return _compute(
        problem,
        np.abs(operands.input),
        np.abs(operands.weight),
        None if operands.bias is None else np.abs(operands.bias),
    )


@memoized
def summed(problem: Problem, operands: Operands) -> Array:
    """Compute the convolution of finite float64 operands, each output correctly rounded.

    The operands are cut into slices of so few bits that matrix products of slices are sums of integers below 2^53,
    which float64 adds without error in any order. `math.fsum` then adds the few products of an output as if in infinite
    precision. Operands are first scaled by powers of two, so that subnormal ones do not underflow. A subnormal output
    is rounded twice, and may be the neighbour of the correct one.

    Raises
    ------
    ValueError
        If an operand is not finite.

    Source
    ------
    Ozaki, Ogita, Oishi and Rump 2012, Error-free transformations of matrix multiplication.
    """
    input, input_exponent = scaled(operands.input)
    weights, weight_exponent = scaled(operands.weight)
    exponent = input_exponent + weight_exponent
    bits = (53 - max(1, problem.reduction).bit_length() - _PAIRS.bit_length()) // 2
    inputs, filters = _sliced(input, bits), _sliced(weights, bits)
    product = _products(problem, inputs, filters)
    levels: dict[int, list[tuple[int, int]]] = {}
    for i, j in np.ndindex(len(inputs), len(filters)):
        levels.setdefault(i + j, []).append((i, j))
    bias = np.zeros(problem.output_shape)
    if operands.bias is not None:
        bias += np.ldexp(operands.bias, -exponent)[:, None, None]
    terms = [bias]
    for level, pairs in levels.items():
        for first in range(0, len(pairs), _PAIRS):
            total = sum(product(i, j) for i, j in pairs[first : first + _PAIRS])
            terms.append(np.ldexp(total, -bits * (level + 2)))
    sums = [math.fsum(row) for row in np.stack(terms, axis=-1).reshape(-1, len(terms)).tolist()]
    output: Array = np.array(sums).reshape(problem.output_shape)
    return np.asarray(np.ldexp(output, exponent))


_PAIRS = 15  # products of slices of one magnitude that are added before the final sum


def _products(problem: Problem, inputs: list[Array], weights: list[Array]) -> Callable[[int, int], Array]:
    """Return the function of (i, j) that computes the problem on slice i of the input and slice j of the weight."""
    if problem.direction != "forward":
        return lambda i, j: gradient(problem, inputs[i], weights[j])
    unfolded = [list(unfold(problem, pad(problem, slice))) for slice in inputs]
    filters = [slice.reshape(problem.groups, -1, problem.reduction) for slice in weights]
    return lambda i, j: _joined(problem, [filters[j] @ columns for columns in unfolded[i]])


def _sliced(values: Array, bits: int) -> list[Array]:
    """Return integers s_0, s_1, ... of up to ``bits`` bits and a sign with values = sum s_i 2^(-bits (i + 1)).

    ``values`` are at most 1 in magnitude. Each slice is the rest rounded to its grid; the next rest is exact.
    """
    if not np.isfinite(values).all():
        raise ValueError("an operand is not finite: it has no exact sum")
    slices: list[Array] = []
    rest = values
    while rest.any() or not slices:
        scale = bits * (len(slices) + 1)
        slices.append(np.rint(np.ldexp(rest, scale)))
        rest = rest - np.ldexp(slices[-1], -scale)
    return slices


@memoized
def root_of_squares(problem: Problem, operands: Operands) -> Array:
    """Compute sqrt(sum (w x)^2) of each output, without the bias, in float64; no square overflows or underflows."""
    input, input_exponent = scaled(operands.input.astype(np.float64))
    weight, weight_exponent = scaled(operands.weight.astype(np.float64))
    squares = _compute(problem, input**2, weight**2, None)
    return np.ldexp(np.sqrt(squares), input_exponent + weight_exponent)


def scaled(values: Array) -> tuple[Array, int]:
    """Return values / 2^e and e, with the largest magnitude in [1/2, 1); e is 0 if that is 0 or not finite."""
    largest = float(np.abs(values).max(initial=0.0))
    exponent = math.frexp(largest)[1] if math.isfinite(largest) else 0
    return np.ldexp(values, -exponent), exponent


def _compute(problem: Problem, input: Array, weight: Array, bias: Array | None, dtype: str = "float64") -> Array:
    """Compute the convolution, or the gradient, with products and sums in ``dtype``."""
    if problem.direction != "forward":
        return gradient(problem, input, weight, dtype)
    filters = weight.astype(dtype).reshape(problem.groups, problem.out_channels // problem.groups, problem.reduction)
    with np.errstate(all="ignore"):
        parts = [np.matmul(filters, columns) for columns in unfold(problem, pad(problem, input, dtype))]
        output = _joined(problem, parts)
        if bias is not None:
            output += bias.astype(dtype)[:, None, None]
    return output


def unfold(problem: Problem, padded: Array) -> Iterator[Array]:
    """Yield every output's receptive field as a column: arrays (images, groups, K, columns).

    Each array is of some images, or of some rows of one image that has too many columns.
    """
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    (oh, ow), (n, c, h, w) = problem.output_size, padded.strides
    row = max(1, problem.in_channels * math.prod(problem.kernel) * ow)
    images, rows = max(1, MAX_UNFOLDED // (row * max(1, oh))), min(oh, max(1, MAX_UNFOLDED_IMAGE // row))
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
    """Return the output, given the products of the parts of `unfold`, each (images, groups, outputs, columns)."""
    if len(parts) == 1:
        return parts[0].reshape(problem.output_shape)
    size = math.prod(problem.output_size)
    output = np.empty((problem.batch, *parts[0].shape[1:3], size), parts[0].dtype)
    start = 0
    for part in parts:
        image, first = divmod(start, size)
        output[image : image + len(part), ..., first : first + part.shape[3]] = part
        start += len(part) * part.shape[3]
    return output.reshape(problem.output_shape)


def pad(problem: Problem, input: Array, dtype: str = "float64") -> Array:
    """Return a copy of the input in ``dtype`` with the problem's zeros around it."""
    (top, bottom), (left, right) = problem.pads
    height, width = problem.height, problem.width
    padded = np.zeros((*input.shape[:2], top + height + bottom, left + width + right), dtype)
    padded[:, :, top : top + height, left : left + width] = input
    return padded


@memoized
def adjoint(problem: Problem, operands: Operands, grad_output: Array) -> tuple[Array, Array, Array | None]:
    """Compute the gradients of <output, grad_output> by input, weight and bias.

    With y(n, o, p) = sum w(o, c, t) x(n, c, p s + t d - pad), the gradient of each tap t of the weight is the sum of
    the output gradient times the input under the tap. Every input under it receives the output gradient times the
    tap. For complex operands the convention is PyTorch's: the conjugate operand takes the output gradient.

    Parameters
    ----------
    problem : Problem
        Parameters of the convolution.
    operands : Operands
        Operands in a floating-point carrier dtype.
    grad_output : numpy.ndarray
        Gradient of the output, of shape ``problem.output_shape``.

    Returns
    -------
    tuple
        Three arrays in float64 or complex128; the last is None without a bias.
    """
    wide = "complex128" if operands.input.dtype.kind == "c" else "float64"
    x, w, g = (array.astype(wide) for array in (operands.input.conj(), operands.weight.conj(), grad_output))
    forward = problem.forward
    by_bias = g.sum(axis=(0, 2, 3)) if problem.bias else None
    return _by_input(forward, g, w), _by_weight(forward, x, g), by_bias


def gradient(problem: Problem, first: Array, second: Array, dtype: str = "float64") -> Array:
    """Compute the gradient that a problem stands for, with products and sums in ``dtype``.

    Parameters
    ----------
    problem : Problem
        Problem whose direction is "grad_input" or "grad_weight".
    first, second : numpy.ndarray
        Operands of the shapes ``problem.input_shape`` and ``problem.weight_shape``.
    dtype : str
        Dtype of products and sums, that of the result.
    """
    compute = _by_input if problem.direction == "grad_input" else _by_weight
    with np.errstate(all="ignore"):
        return compute(problem.forward, first.astype(dtype), second.astype(dtype))


def _by_input(problem: Problem, g: Array, weight: Array) -> Array:
    """Compute the gradient by the input: each input under a tap receives the output gradient times the tap."""
    (top, bottom), (left, right) = problem.pads
    shape = (problem.batch, problem.in_channels, top + problem.height + bottom, left + problem.width + right)
    padded = np.zeros(shape, g.dtype)
    split = _by_group(problem, g)  # groups, outputs of a group, N OH OW
    filters = weight.reshape(problem.groups, -1, problem.in_channels // problem.groups, *problem.kernel)
    for i, j, window in _windows(problem):
        given = np.matmul(filters[..., i, j].transpose(0, 2, 1), split)
        spread = given.reshape(problem.in_channels, problem.batch, *problem.output_size)
        padded[window] += spread.transpose(1, 0, 2, 3)
    return padded[:, :, top : top + problem.height, left : left + problem.width]


def _by_weight(problem: Problem, x: Array, g: Array) -> Array:
    """Compute the gradient by the weight: that of a tap is the sum of output gradients times the inputs under it."""
    padded, split = pad(problem, x, x.dtype.name), _by_group(problem, g)
    result = np.zeros(problem.weight_shape, g.dtype)
    for i, j, window in _windows(problem):
        fields = _by_group(problem, padded[window])
        result[:, :, i, j] = np.matmul(split, fields.transpose(0, 2, 1)).reshape(problem.weight_shape[:2])
    return result


def _windows(problem: Problem) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
    """Yield each tap of the kernel with the index of the padded inputs that lie under it."""
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    for i, j in np.ndindex(*problem.kernel):
        yield i, j, np.s_[:, :, i * dh : i * dh + sh * (oh - 1) + 1 : sh, j * dw : j * dw + sw * (ow - 1) + 1 : sw]


def _by_group(problem: Problem, array: Array) -> Array:
    """Return an array (N, channels, OH, OW) as (groups, channels of a group, N OH OW)."""
    channels, positions = array.shape[1], math.prod(problem.output_size)
    split = array.reshape(problem.batch, channels, positions).transpose(1, 0, 2)
    return split.reshape(problem.groups, channels // problem.groups, problem.batch * positions)
