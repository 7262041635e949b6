"""Mutants that misread views with gaps of permuted memory, and single axes that are reversed or repeated."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import conv, mutant, resolve
from numpy.lib.stride_tricks import as_strided


def elements(array):
    """Return the strides in elements."""
    return tuple(step // array.itemsize for step in array.strides)


def is_inside_channels_last(array):
    """Return True for channels innermost in memory, with columns next to each other and gaps between rows."""
    _, c, h, w = array.shape
    steps = elements(array)
    return bool(array.size) and min(c, h, w) > 1 and steps[1] == 1 and steps[3] == c and steps[2] != w * c


@mutant(
    "Reads the rows of a channels-last crop as though they were adjacent.",
    mechanism="layout_assumed",
    killed_by=("layout.combined",),
)
def channels_last_crop_read_densely(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    if is_inside_channels_last(input):
        _, c, h, w = input.shape
        input = as_strided(input, input.shape, tuple(input.itemsize * n for n in (h * w * c, 1, w * c, c))).copy()
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads some channels of a channels-last weight as though it had no other channels.",
    mechanism="layout_assumed",
    killed_by=("layout.combined",),
)
def channels_last_part_read_densely(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    _, c, h, w = weight.shape
    steps = elements(weight)
    if weight.size and c > 1 and min(h, w) > 1 and steps[1] == 1 and steps[3] > c and steps[2] == w * steps[3]:
        weight = as_strided(weight, weight.shape, tuple(weight.itemsize * n for n in (h * w * c, 1, w * c, c))).copy()
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads a sliced input of transposed memory row by row in depthwise convolutions.",
    mechanism="layout_assumed",
    killed_by=("layout.combined",),
)
def depthwise_transposed_slice_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    steps = elements(input)
    if p.groups == p.in_channels > 1 and min(p.height, p.width) > 1 and steps[2] == 2 and steps[3] > steps[2]:
        input = input.swapaxes(2, 3).reshape(input.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads the columns of an input forwards if they alone are reversed in memory.",
    mechanism="layout_assumed",
    killed_by=("layout.combined.exotic",),
)
def reversed_columns_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.strides[3] < 0 and all(step > 0 for step in input.strides[:3]):
        input = input[..., ::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Takes a stride of zero along the columns of an input for that of a single column, and pads with zeros.",
    mechanism="layout_assumed",
    killed_by=("layout.combined.exotic",),
)
def repeated_columns_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.size and input.shape[3] > 1 and input.strides[3] == 0:
        input = np.concatenate([input[..., :1], 0 * input[..., 1:]], axis=3)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads one channel of a pointwise weight that repeats its input channels by a stride of zero.",
    mechanism="layout_assumed",
    killed_by=("layout.combined.exotic",),
)
def repeated_channels_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[1] > 1 and weight.strides[1] == 0 and weight.shape[2:] == (1, 1):
        weight = np.concatenate([weight[:, :1], 0 * weight[:, 1:]], axis=1)
    return conv(input, weight, bias, stride, padding, dilation, groups)
