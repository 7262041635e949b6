"""Gradient of a convolution by its input: a matrix product, and its columns added to the receptive fields."""

from __future__ import annotations

import numpy as np

from convgauge import implementation
from convgauge.arguments import Size, resolve
from convgauge.dtypes import DTYPES, Array


@implementation(
    framework="numpy",
    algorithm="im2col",
    direction="grad_input",
    source="Chellapilla, Puri and Simard 2006, High performance convolutional neural networks for document processing",
)
def numpy_conv2d_input(
    grad_output: Array,
    weight: Array,
    input_size: tuple[int, int, int, int],
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Multiply the transposed filters by the gradient of the output, and add each tap's part to the inputs under it.

    Cost: N O OH OW K products in matrix products of inner size O/G, and N C KH KW OH OW additions. Workspace: the
    padded gradient of one image and its columns, C KH KW OH OW elements.
    """
    input = np.broadcast_to(np.zeros(1, grad_output.dtype), input_size)
    problem = resolve(input, weight, None, stride, padding, dilation, groups)
    if grad_output.shape != problem.output_shape:
        raise ValueError(f"grad_output of shape {grad_output.shape} is not {problem.output_shape}")
    accumulator = np.dtype(DTYPES[problem.dtype].accumulator)
    (top, bottom), (left, right) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    c, g, (kh, kw) = problem.in_channels, problem.groups, problem.kernel

    filters = weight.astype(accumulator).reshape(g, problem.out_channels // g, c // g * kh * kw).transpose(0, 2, 1)
    result = np.empty(input_size, accumulator)
    padded = np.empty((c, top + problem.height + bottom, left + problem.width + right), accumulator)
    for image, gradient in zip(result, grad_output, strict=True):
        padded.fill(0)
        columns = filters @ gradient.astype(accumulator).reshape(g, problem.out_channels // g, oh * ow)
        by_tap = columns.reshape(c, kh, kw, oh, ow)
        for i, j in np.ndindex(kh, kw):
            rows = slice(i * dh, i * dh + sh * (oh - 1) + 1, sh)
            padded[:, rows, j * dw : j * dw + sw * (ow - 1) + 1 : sw] += by_tap[:, i, j]
        image[...] = padded[:, top : top + problem.height, left : left + problem.width]
    return result.astype(problem.dtype, copy=False)
