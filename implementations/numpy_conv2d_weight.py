"""Gradient of a convolution by its weight: the receptive fields as the rows of a matrix, and a matrix product."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convgauge import implementation
from convgauge.arguments import Size, resolve
from convgauge.dtypes import DTYPES, Array


@implementation(
    framework="numpy",
    algorithm="im2col",
    direction="grad_weight",
    source="Chellapilla, Puri and Simard 2006, High performance convolutional neural networks for document processing",
)
def numpy_conv2d_weight(
    input: Array,
    grad_output: Array,
    weight_size: tuple[int, int, int, int],
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Multiply the gradient of the output by the transposed receptive fields, image by image, and add the products.

    Cost: N O OH OW K products in matrix products of inner size OH OW. Workspace: one padded image and its columns,
    C KH KW OH OW elements.
    """
    weight = np.broadcast_to(np.zeros(1, input.dtype), weight_size)
    problem = resolve(input, weight, None, stride, padding, dilation, groups)
    if grad_output.shape != problem.output_shape:
        raise ValueError(f"grad_output of shape {grad_output.shape} is not {problem.output_shape}")
    accumulator = np.dtype(DTYPES[problem.dtype].accumulator)
    (top, bottom), (left, right) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    c, g, (kh, kw) = problem.in_channels, problem.groups, problem.kernel

    result = np.zeros((g, problem.out_channels // g, c // g * kh * kw), accumulator)
    padded = np.zeros((c, top + problem.height + bottom, left + problem.width + right), accumulator)
    channel, row, column = padded.strides
    for image, gradient in zip(input, grad_output, strict=True):
        padded[:, top : top + problem.height, left : left + problem.width] = image
        steps = (channel, dh * row, dw * column, sh * row, sw * column)
        fields = as_strided(padded, (c, kh, kw, oh, ow), steps).reshape(g, c // g * kh * kw, oh * ow)
        outputs = gradient.astype(accumulator).reshape(g, problem.out_channels // g, oh * ow)
        result += outputs @ fields.transpose(0, 2, 1)
    return result.reshape(weight_size).astype(problem.dtype, copy=False)
