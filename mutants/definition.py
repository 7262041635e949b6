"""Mutants that turn, transpose or cut the kernel, or pair it with the wrong elements."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, conv, mutant, resolve


@mutant(
    "Flips kernels of one row, as numpy.convolve does.",
    mechanism="flipped_kernel",
    killed_by=("covering.geometry", "definition.convolution", "definition.scipy", "sweep.kernel.rows"),
)
def rows_by_numpy_convolve(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] == 1:
        weight = weight[:, :, :, ::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Flips kernels of even height and width along both axes.",
    mechanism="flipped_kernel",
    killed_by=("covering.squares", "definition.convolution", "sweep.kernel.columns"),
)
def even_kernel_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] % 2 == 0 and weight.shape[3] % 2 == 0:
        weight = weight[:, :, ::-1, ::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads the elements of a rectangular kernel column by column.",
    mechanism="swapped_axes",
    killed_by=("covering.geometry", "definition.delta", "sweep.kernel.columns"),
)
def rectangular_kernel_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    o, c, kh, kw = weight.shape
    if kh != kw:
        weight = weight.reshape(o, c, kw, kh).swapaxes(2, 3)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Transposes square kernels other than 3x3.",
    mechanism="swapped_axes",
    killed_by=("covering.squares", "definition.convolution", "sweep.kernel.squares"),
)
def square_kernel_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] == weight.shape[3] != 3:
        weight = weight.swapaxes(2, 3)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Swaps the weight's channel axes where it has as many inputs as outputs.",
    mechanism="swapped_axes",
    killed_by=("covering.squares.dilated_evenly", "definition.channel_sum", "sweep.channels_of_a_group"),
)
def square_weight_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[0] == weight.shape[1]:
        weight = weight.swapaxes(0, 1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Pairs input and output channels one to one where their numbers agree, as if depthwise.",
    mechanism="groups_ignored",
    killed_by=(
        "covering.squares.dilated_evenly",
        "definition.channel_sum",
        "groups.many_to_one",
        "sweep.channels_of_a_group",
    ),
)
def channels_never_summed_when_square(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[0] == weight.shape[1] > 1:
        weight = weight * np.eye(weight.shape[0], dtype=weight.dtype)[:, :, None, None]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Uses only the first 7 rows and columns of a kernel.",
    mechanism="tail_dropped",
    killed_by=("covering.squares.large", "stride.down_sampling", "sweep.kernel.columns"),
)
def large_kernel_cut_off(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if max(weight.shape[2:]) > 7:
        weight = weight.copy()
        weight[:, :, 7:] = 0
        weight[:, :, :, 7:] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops the last column of kernels of 12 or more columns.",
    mechanism="tail_dropped",
    killed_by=("special.infinity.weight", "sweep.kernel.columns", "sweep.kernel.grouped"),
)
def last_column_of_wide_kernel_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[3] >= 12:
        weight = weight.copy()
        weight[:, :, :, -1] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops input channels after the last multiple of 4 if there are more than 4.",
    mechanism="tail_dropped",
    killed_by=("laws.channel_sum", "sweep.blocks", "sweep.pointwise_channels"),
)
def channel_remainder_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    channels = weight.shape[1]
    if channels > 4:
        weight = weight.copy()
        weight[:, channels // 4 * 4 :] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Ignores the padding of pointwise kernels.",
    mechanism="argument_ignored",
    killed_by=("covering.squares.grouped", "padding.pointwise", "sweep.groups"),
)
def pointwise_without_padding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.kernel == (1, 1):
        problem = problem.replace(padding=(0, 0))
    return computed(problem, input, weight, bias)


@mutant(
    "Ignores the stride of pointwise kernels.",
    mechanism="argument_ignored",
    killed_by=("covering.squares.grouped", "stride.pointwise", "sweep.tiles"),
)
def pointwise_without_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.kernel == (1, 1):
        problem = problem.replace(stride=(1, 1))
    return computed(problem, input, weight, bias)


@mutant(
    "Averages the products instead of adding them if there is a single output position.",
    mechanism="wrong_scale",
    killed_by=("covering.squares.large", "definition.cross_correlation", "sweep.megabytes"),
)
def global_kernel_averaged(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.output_size == (1, 1) and problem.kernel != (1, 1):
        weight = weight / np.array(problem.kernel[0] * problem.kernel[1], dtype=weight.dtype)
    return computed(problem, input, weight, bias)
