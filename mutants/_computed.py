"""Gradients of a convolution without autograd, in which mutants plant a fault."""

from collections.abc import Iterator, Sequence

import numpy as np
from _base import DTYPES, Array, pair, resolve

from convgauge.problem import Problem

Pair = int | Sequence[int]

__all__ = ["Array", "by_input", "by_weight", "cropped", "problem_of"]


def problem_of(
    input_shape: Sequence[int], weight_shape: Sequence[int], grad_output: Array,
    stride: Pair, padding: Pair, dilation: Pair, groups: int,
) -> Problem:  # fmt: skip
    """Return the problem of a call. Raises `ValueError` if the gradient of the output has another shape."""
    input, weight = (np.broadcast_to(np.zeros(1, grad_output.dtype), shape) for shape in (input_shape, weight_shape))
    if min(*pair(padding)) < 0:
        raise ValueError("padding is negative")
    problem = resolve(input, weight, None, stride, padding, dilation, groups)
    if grad_output.shape != problem.output_shape:
        raise ValueError(f"grad_output of shape {grad_output.shape} is not {problem.output_shape}")
    return problem


def by_input(problem: Problem, grad_output: Array, weight: Array, *, accumulator: str = "") -> Array:
    """Return the padded gradient by the input (N, C, H + pads, W + pads)."""
    wide = accumulator or DTYPES[problem.dtype].accumulator
    (top, bottom), (left, right) = problem.pads
    shape = (problem.batch, problem.in_channels, top + problem.height + bottom, left + problem.width + right)
    padded = np.zeros(shape, wide)
    per_group, outputs = problem.in_channels // problem.groups, problem.out_channels // problem.groups
    g, w = grad_output.astype(wide), weight.astype(wide)
    for o in range(problem.out_channels):
        first = o // outputs * per_group
        for i, j, rows, columns in taps(problem):
            padded[:, first : first + per_group, rows, columns] += g[:, o, None] * w[o, :, i, j, None, None]
    return padded


def cropped(problem: Problem, padded: Array) -> Array:
    """Return the gradient by the input without its padding, in the dtype of the operands."""
    (top, _), (left, _) = problem.pads
    return padded[:, :, top : top + problem.height, left : left + problem.width].astype(problem.dtype)


def by_weight(problem: Problem, input: Array, grad_output: Array, *, accumulator: str = "") -> Array:
    """Return the gradient by the weight, in the accumulator."""
    wide = accumulator or DTYPES[problem.dtype].accumulator
    padded = np.pad(input.astype(wide), ((0, 0), (0, 0), *problem.pads))
    g = grad_output.astype(wide)
    per_group, outputs = problem.in_channels // problem.groups, problem.out_channels // problem.groups
    gradient = np.zeros((problem.out_channels, per_group, *problem.kernel), wide)
    for o in range(problem.out_channels):
        first = o // outputs * per_group
        for i, j, rows, columns in taps(problem):
            field = padded[:, first : first + per_group, rows, columns]
            gradient[o, :, i, j] = (field * g[:, o, None]).sum(axis=(0, 2, 3))
    return gradient


def taps(problem: Problem) -> Iterator[tuple[int, int, slice, slice]]:
    """Yield each tap of the kernel with the padded rows and columns under it."""
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    for i, j in np.ndindex(*problem.kernel):
        rows = slice(i * dh, i * dh + sh * (oh - 1) + 1, sh)
        yield i, j, rows, slice(j * dw, j * dw + sw * (ow - 1) + 1, sw)
