"""Gross faults inside domains of shape: one image, 3x3 on squares, blocks of 32 channels, depthwise."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import conv, mutant
from _domains import (
    added_in_float16,
    bias_of_next_filter,
    first_weight,
    is_blocked,
    is_depthwise,
    is_one_image,
    is_square_3x3,
    transposed_if_square,
    without_columns_from_64,
    without_last_column,
)


@mutant(
    "Flips the kernel; supports one image without padding only.",
    mechanism="flipped_kernel",
    killed_by=("definition.cross_correlation", "definition.delta", "sweep.squares"),
    smoke=False,
    problem="n1c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def one_image_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_one_image(input, weight, stride, padding), "one image without padding"
    return conv(input, weight[..., ::-1, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Does not write the last column of rows of 16 or more; supports one image without padding only.",
    mechanism="tail_dropped",
    killed_by=("sweep.width", "sweep.squares"),
    problem="n1c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def one_image_last_column_unwritten(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_one_image(input, weight, stride, padding), "one image without padding"
    return without_last_column(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Ignores the bias; supports one image without padding only.",
    mechanism="bias_dropped",
    killed_by=("bias.every_channel", "laws.bias"),
    smoke=False,
    problem="n1c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def one_image_bias_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_one_image(input, weight, stride, padding), "one image without padding"
    return conv(input, weight, None, stride, padding, dilation, groups)


@mutant(
    "Keeps the weight of the first call of its shape; supports one image without padding only.",
    mechanism="previous_answer",
    killed_by=("behaviour.same_shape", "behaviour.many_calls"),
    problem="n1c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def one_image_first_weight_kept(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_one_image(input, weight, stride, padding), "one image without padding"
    return conv(input, first_weight(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Flips the kernel; supports dense 3x3 kernels on square images only.",
    mechanism="flipped_kernel",
    killed_by=("definition.cross_correlation", "definition.delta", "sweep.squares"),
    smoke=False,
    problem="n2c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def square_3x3_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_square_3x3(input, weight, stride, padding, dilation, groups):
        raise ValueError("3x3 kernels on square images, stride 1, no padding")
    return conv(input, weight[..., ::-1, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Transposes square kernels; supports dense 3x3 kernels on square images only.",
    mechanism="swapped_axes",
    killed_by=("covering.squares", "definition.cross_correlation", "sweep.squares"),
    smoke=False,
    problem="n2c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def square_3x3_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_square_3x3(input, weight, stride, padding, dilation, groups):
        raise ValueError("3x3 kernels on square images, stride 1, no padding")
    return conv(input, transposed_if_square(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Does not write the last column of rows of 16 or more; supports dense 3x3 kernels on square images only.",
    mechanism="tail_dropped",
    killed_by=("covering.squares.large", "shape.columns", "sweep.width", "sweep.squares"),
    problem="n2c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def square_3x3_last_column_unwritten(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_square_3x3(input, weight, stride, padding, dilation, groups):
        raise ValueError("3x3 kernels on square images, stride 1, no padding")
    return without_last_column(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Zeroes the columns from 64; supports dense 3x3 kernels on square images only.",
    mechanism="tail_dropped",
    killed_by=("sweep.width", "sweep.tiles", "sweep.planes"),
    problem="n2c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def square_3x3_columns_from_64_zeroed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_square_3x3(input, weight, stride, padding, dilation, groups):
        raise ValueError("3x3 kernels on square images, stride 1, no padding")
    return without_columns_from_64(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Adds to each filter the bias of the next; supports dense 3x3 kernels on square images only.",
    mechanism="bias_axis",
    killed_by=("bias.every_channel", "bias.along_channels"),
    smoke=False,
    problem="n2c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def square_3x3_bias_shifted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_square_3x3(input, weight, stride, padding, dilation, groups):
        raise ValueError("3x3 kernels on square images, stride 1, no padding")
    return conv(input, weight, bias_of_next_filter(bias), stride, padding, dilation, groups)


@mutant(
    "Takes the channels of the weight in reverse order; supports dense 3x3 kernels on square images only.",
    mechanism="groups_permuted",
    killed_by=("definition.channel_sum", "laws.input_channels", "sweep.in_channels", "sweep.blocks"),
    smoke=False,
    problem="n2c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32",
)
def square_3x3_channels_reversed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_square_3x3(input, weight, stride, padding, dilation, groups):
        raise ValueError("3x3 kernels on square images, stride 1, no padding")
    return conv(input, weight[:, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Transposes square kernels; supports blocks of 32 channels only.",
    mechanism="swapped_axes",
    killed_by=("covering.squares", "definition.cross_correlation", "sweep.squares"),
    smoke=False,
    problem="n2c32h8w8_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32",
)
def blocked_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_blocked(input, weight, groups), "blocks of 32 channels"
    return conv(input, transposed_if_square(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Zeroes the columns from 64; supports blocks of 32 channels only.",
    mechanism="tail_dropped",
    killed_by=("sweep.width", "sweep.planes"),
    problem="n2c32h8w8_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32",
)
def blocked_columns_from_64_zeroed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_blocked(input, weight, groups), "blocks of 32 channels"
    return without_columns_from_64(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Adds to each filter the bias of the next; supports blocks of 32 channels only.",
    mechanism="bias_axis",
    killed_by=("bias.every_channel", "bias.along_channels"),
    smoke=False,
    problem="n2c32h8w8_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32",
)
def blocked_bias_shifted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_blocked(input, weight, groups), "blocks of 32 channels"
    return conv(input, weight, bias_of_next_filter(bias), stride, padding, dilation, groups)


@mutant(
    "Takes the channels of the weight in reverse order; supports blocks of 32 channels only.",
    mechanism="groups_permuted",
    killed_by=("definition.channel_sum", "laws.input_channels", "sweep.in_channels", "sweep.blocks"),
    smoke=False,
    problem="n2c32h8w8_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32",
)
def blocked_channels_reversed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_blocked(input, weight, groups), "blocks of 32 channels"
    return conv(input, weight[:, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Keeps sums in float16; supports blocks of 32 channels only.",
    mechanism="narrow_accumulator",
    killed_by=("accuracy.gaussian", "accuracy.reduction"),
    smoke=False,
    problem="n2c32h8w8_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32",
)
def blocked_added_in_float16(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_blocked(input, weight, groups), "blocks of 32 channels"
    assert padding != "same", "padding as numbers"
    assert input.dtype == np.float32, "float32"
    return added_in_float16(input, weight, bias, stride, padding, dilation)


@mutant(
    "Flips the kernel; supports depthwise convolutions only.",
    mechanism="flipped_kernel",
    killed_by=("definition.delta", "groups.depthwise", "sweep.depthwise"),
    smoke=False,
    problem="n2c4h8w8_o4k3x3_s1x1_p1x1_d1x1_g4_b_float32",
)
def depthwise_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_depthwise(input, weight, groups):
        raise ValueError("depthwise convolutions only")
    return conv(input, weight[..., ::-1, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Does not write the last column of rows of 16 or more; supports depthwise convolutions only.",
    mechanism="tail_dropped",
    killed_by=("sweep.width",),
    problem="n2c4h8w8_o4k3x3_s1x1_p1x1_d1x1_g4_b_float32",
)
def depthwise_last_column_unwritten(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_depthwise(input, weight, groups):
        raise ValueError("depthwise convolutions only")
    return without_last_column(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Zeroes the columns from 64; supports depthwise convolutions only.",
    mechanism="tail_dropped",
    killed_by=("sweep.width", "sweep.planes"),
    problem="n2c4h8w8_o4k3x3_s1x1_p1x1_d1x1_g4_b_float32",
)
def depthwise_columns_from_64_zeroed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_depthwise(input, weight, groups):
        raise ValueError("depthwise convolutions only")
    return without_columns_from_64(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Takes the filters of the channels in reverse order; supports depthwise convolutions only.",
    mechanism="groups_permuted",
    killed_by=("groups.depthwise", "sweep.depthwise"),
    smoke=False,
    problem="n2c4h8w8_o4k3x3_s1x1_p1x1_d1x1_g4_b_float32",
)
def depthwise_channels_reversed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_depthwise(input, weight, groups):
        raise ValueError("depthwise convolutions only")
    return conv(input, weight[::-1], bias, stride, padding, dilation, groups)
