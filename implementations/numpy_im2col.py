"""Receptive fields as the columns of a matrix, and a matrix product."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES, Array
from convgauge.problem import Problem

# Columns of one matrix product: they are still in a second-level cache when the product reads them. Products of fewer
# columns than MIN_COLUMNS spend their time on repacking the filters.
CACHED_BYTES = 2**20
MIN_COLUMNS = 256


@implementation(
    framework="numpy",
    algorithm="im2col",
    source="Chellapilla, Puri and Simard 2006, High performance convolutional neural networks for document processing",
)
def numpy_im2col(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Unfold windows into a matrix, as many rows at a time as a cache holds, and multiply them by the filters.

    A strided view of the padded image has every receptive field along its first axes. Some output rows of it at a time
    are copied into a buffer (C KH KW rows, one column per output) and multiplied by the filters into the output itself.
    A 1x1 kernel of stride 1 without padding needs no copy at all: the image is its own matrix of columns.

    Cost: N O OH OW K products in matrix products of inner size K = C/G KH KW, and as many copied elements as the
    columns hold, N C KH KW OH OW. Workspace: one padded image and about 1 MiB of columns.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return prepare(problem, weight, bias)(input)


@numpy_im2col.prepare
def prepare(problem: Problem, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """Return the convolution of one layer, with the filters laid out for its matrix products."""
    n, c, o, g, k = problem.batch, problem.in_channels, problem.out_channels, problem.groups, problem.reduction
    accumulator = np.dtype(DTYPES[problem.dtype].accumulator)
    (top, bottom), (left, right) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    padded_size = (top + problem.height + bottom, left + problem.width + right)
    is_matrix = problem.kernel == problem.stride == (1, 1) and padded_size == (oh, ow) == (
        problem.height,
        problem.width,
    )

    filters = weight.astype(accumulator, order="C").reshape(g, o // g, k)
    offset = None if bias is None else bias.astype(accumulator).reshape(g, o // g, 1)
    row_bytes = max(1, g * k * ow * accumulator.itemsize)
    rows = min(oh, max(CACHED_BYTES // row_bytes, -(-MIN_COLUMNS // ow)))

    def unfold(image: Array) -> Iterator[tuple[slice, Array]]:
        """Yield the slice of columns of some output rows, and their receptive fields (G, K, columns)."""
        if is_matrix:
            yield slice(None), np.ascontiguousarray(image, accumulator).reshape(g, k, oh * ow)
            return
        if padded_size == image.shape[1:]:
            padded = np.ascontiguousarray(image, accumulator)
        else:
            padded = np.zeros((c, *padded_size), accumulator)
            padded[:, top : top + problem.height, left : left + problem.width] = image
        channel, row, column = padded.strides
        steps = (channel, dh * row, dw * column, sh * row, sw * column)
        buffer = np.empty(g * k * rows * ow, accumulator)
        for first in range(0, oh, rows):
            end = min(oh, first + rows)
            shape = (c, *problem.kernel, end - first, ow)
            columns = buffer[: math.prod(shape)].reshape(shape)
            np.copyto(columns, as_strided(padded[:, first * sh :], shape, steps))
            yield slice(first * ow, end * ow), columns.reshape(g, k, (end - first) * ow)

    def run(input: Array) -> Array:
        check_input(problem, input)
        output = np.empty((n, g, o // g, oh * ow), accumulator)
        for image, result in zip(input, output, strict=True):
            for part, columns in unfold(image):
                np.matmul(filters, columns, out=result[:, :, part])
                if offset is not None:
                    result[:, :, part] += offset
        return output.reshape(problem.output_shape).astype(problem.dtype, copy=False)

    return run
