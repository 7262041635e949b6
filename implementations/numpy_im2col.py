"""Receptive fields as a matrix, and one matrix product."""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convgauge import implementation
from convgauge.arguments import resolve
from convgauge.dtypes import DTYPES


@implementation(
    framework="numpy",
    algorithm="im2col",
    source="Chellapilla, Puri and Simard 2006, High performance convolutional neural networks for document processing",
)
def numpy_im2col(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Windows copied to the columns of a matrix, a cache's worth at a time, and multiplied by the filters.

    Cost: N O OH OW K products.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return prepare(problem, weight, bias)(input)


@numpy_im2col.prepare
def prepare(problem, weight, bias):
    n, g, k = problem.batch, problem.groups, problem.reduction
    accumulator = DTYPES[problem.dtype].accumulator
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    filters = (
        weight.astype(accumulator).reshape(g, -1, k)
        if weight.size
        else np.zeros((g, problem.out_channels // g, k), accumulator)
    )
    offset = None if bias is None else bias.astype(accumulator)[:, None, None]

    def run(input):
        padded = np.pad(input.astype(accumulator, copy=False), ((0, 0), (0, 0), *problem.pads))
        output = np.empty((n, g, problem.out_channels // g, oh * ow), accumulator)
        _, c, h, w = padded.strides
        for image, result in zip(padded, output, strict=True):
            windows = as_strided(
                image, (problem.in_channels, *problem.kernel, oh, ow), (c, dh * h, dw * w, sh * h, sw * w)
            )
            np.matmul(filters, windows.reshape(g, k, oh * ow), out=result)
        output = output.reshape(problem.output_shape)
        if offset is not None:
            output += offset
        return output.astype(problem.dtype, copy=False)

    return run
