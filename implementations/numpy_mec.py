"""Memory-efficient convolution: unfold the width only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES, Array
from convgauge.problem import Problem


@implementation(
    framework="numpy",
    algorithm="mec",
    source="Cho and Brand 2017, MEC: memory-efficient convolution for deep neural network",
)
def numpy_mec(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Unfold the width only: overlapping windows of rows are read from one lowered matrix, never copied.

    For each output column the strip of KW input columns below it is laid out row by row, channels innermost. The
    receptive fields of output row y are then KH consecutive rows of every strip: a view with a leading dimension, which
    a matrix product takes as it is. With a dilation in height those rows are not consecutive, and those of one output
    row are copied.

    Cost: N O OH OW K products in OH matrix products of inner size K = C/G KH KW. Workspace: the lowered matrix of one
    image, C OW KW rows of the padded height: KH/stride times less than im2col.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return prepare(problem, weight, bias)(input)


@numpy_mec.prepare
def prepare(problem: Problem, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """Return the convolution of one layer, with the filters laid out for its matrix products."""
    o, g, k = problem.out_channels, problem.groups, problem.reduction
    accumulator = DTYPES[problem.dtype].accumulator
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size

    by_position = weight.reshape(g, o // g, *weight.shape[1:]).transpose(0, 3, 4, 2, 1)
    filters = by_position.astype(accumulator, order="C").reshape(g, k, o // g)
    offset = 0 if bias is None else bias.astype(accumulator).reshape(g, 1, o // g)

    def lower(image: Array) -> Array:
        """Return the lowered matrix (G, OW, padded height, KW, C/G), contiguous."""
        padded = np.pad(image.astype(accumulator), ((0, 0), *problem.pads))
        padded = padded.reshape(g, problem.in_channels // g, *padded.shape[1:])
        strips = sliding_window_view(padded, problem.extent[1], axis=3)[:, :, :, ::sw, ::dw]
        return np.ascontiguousarray(strips.transpose(0, 3, 2, 4, 1))

    def run(input: Array) -> Array:
        check_input(problem, input)
        output = np.empty((problem.batch, g, o // g, oh, ow), accumulator)
        for image, result in zip(input, output, strict=True):
            lowered = lower(image)
            for y in range(oh):
                fields = lowered[:, :, y * sh : y * sh + problem.extent[0] : dh].reshape(g, ow, k)
                result[:, :, y] = (fields @ filters + offset).swapaxes(1, 2)
        return output.reshape(problem.output_shape).astype(problem.dtype, copy=False)

    return run
