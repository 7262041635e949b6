"""Gross faults inside domains of arguments, sizes and dtypes: stride 1 as an int, even sizes, powers of two."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import conv, mutant
from _domains import (
    added_in_float16,
    first_weight,
    has_even_sizes,
    has_int_arguments,
    has_powers_of_two,
    transposed_if_square,
    without_columns_from_64,
    without_last_column,
)


@mutant(
    "Transposes square kernels; supports stride 1 and padding as an int only.",
    mechanism="swapped_axes",
    killed_by=("covering.squares", "definition.cross_correlation", "sweep.squares"),
    smoke=False,
)
def int_arguments_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_int_arguments(stride, padding, dilation):
        raise TypeError("stride 1, dilation 1 and a padding that is an int")
    return conv(input, transposed_if_square(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Does not write the last column of rows of 16 or more; supports stride 1 and padding as an int only.",
    mechanism="tail_dropped",
    killed_by=("covering.squares.large", "sweep.width", "sweep.squares"),
)
def int_arguments_last_column_unwritten(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_int_arguments(stride, padding, dilation):
        raise TypeError("stride 1, dilation 1 and a padding that is an int")
    return without_last_column(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Keeps the weight of the first call of its shape; supports stride 1 and padding as an int only.",
    mechanism="previous_answer",
    killed_by=("behaviour.same_shape", "behaviour.many_calls"),
)
def int_arguments_first_weight_kept(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_int_arguments(stride, padding, dilation):
        raise TypeError("stride 1, dilation 1 and a padding that is an int")
    return conv(input, first_weight(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Keeps sums in float16; supports stride 1 and padding as an int only.",
    mechanism="narrow_accumulator",
    killed_by=("accuracy.gaussian", "accuracy.reduction"),
)
def int_arguments_added_in_float16(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_int_arguments(stride, padding, dilation):
        raise TypeError("stride 1, dilation 1 and a padding that is an int")
    assert groups == 1 and padding != "same", "dense, padding as numbers"
    assert input.dtype == np.float32, "float32"
    return added_in_float16(input, weight, bias, stride, padding, dilation)


@mutant(
    "Does not write the last column of rows of 16 or more; supports even sizes only.",
    mechanism="tail_dropped",
    killed_by=("sweep.width", "sweep.squares"),
)
def even_last_column_unwritten(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert has_even_sizes(input), "even sizes"
    return without_last_column(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Zeroes the columns from 64; supports even sizes only.",
    mechanism="tail_dropped",
    killed_by=("sweep.width", "sweep.squares", "sweep.tiles", "sweep.planes"),
)
def even_columns_from_64_zeroed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert has_even_sizes(input), "even sizes"
    return without_columns_from_64(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Takes the channels of the weight in reverse order; supports even sizes only.",
    mechanism="groups_permuted",
    killed_by=("definition.channel_sum", "laws.input_channels", "sweep.in_channels", "sweep.blocks"),
    smoke=False,
)
def even_channels_reversed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert has_even_sizes(input), "even sizes"
    return conv(input, weight[:, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Flips the kernel; supports powers of two only.",
    mechanism="flipped_kernel",
    killed_by=("definition.cross_correlation", "definition.convolution", "definition.delta", "sweep.squares"),
    smoke=False,
)
def power_of_two_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_powers_of_two(input):
        raise ValueError("height and width must be powers of two")
    return conv(input, weight[..., ::-1, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Zeroes the columns from 64; supports powers of two only.",
    mechanism="tail_dropped",
    killed_by=("sweep.width", "sweep.squares", "sweep.planes"),
)
def power_of_two_columns_from_64_zeroed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_powers_of_two(input):
        raise ValueError("height and width must be powers of two")
    return without_columns_from_64(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Ignores the bias; supports powers of two only.",
    mechanism="bias_dropped",
    killed_by=("bias.every_channel", "laws.bias"),
    smoke=False,
)
def power_of_two_bias_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_powers_of_two(input):
        raise ValueError("height and width must be powers of two")
    return conv(input, weight, None, stride, padding, dilation, groups)


@mutant(
    "Keeps the weight of the first call of its shape; supports powers of two only.",
    mechanism="previous_answer",
    killed_by=("behaviour.same_shape", "behaviour.many_calls"),
)
def power_of_two_first_weight_kept(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_powers_of_two(input):
        raise ValueError("height and width must be powers of two")
    return conv(input, first_weight(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Transposes square kernels; supports no bias only.",
    mechanism="swapped_axes",
    killed_by=("covering.squares", "definition.cross_correlation", "sweep.squares"),
    smoke=False,
    problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_float32",
)
def no_bias_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert bias is None, "no bias"
    return conv(input, transposed_if_square(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Takes the channels of the weight in reverse order; supports no bias only.",
    mechanism="groups_permuted",
    killed_by=("definition.channel_sum", "laws.input_channels", "sweep.in_channels", "sweep.blocks"),
    smoke=False,
    problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_float32",
)
def no_bias_channels_reversed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert bias is None, "no bias"
    return conv(input, weight[:, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Keeps the weight of the first call of its shape; supports no bias only.",
    mechanism="previous_answer",
    killed_by=("behaviour.same_shape", "behaviour.many_calls"),
    problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_float32",
)
def no_bias_first_weight_kept(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert bias is None, "no bias"
    return conv(input, first_weight(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Keeps sums in float16; supports no bias only.",
    mechanism="narrow_accumulator",
    killed_by=("accuracy.gaussian", "accuracy.reduction"),
    problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_float32",
)
def no_bias_added_in_float16(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert bias is None, "no bias"
    assert groups == 1 and padding != "same", "dense, padding as numbers"
    assert input.dtype == np.float32, "float32"
    return added_in_float16(input, weight, bias, stride, padding, dilation)


@mutant(
    "Takes the channels of the weight in reverse order; supports float32 only.",
    mechanism="groups_permuted",
    killed_by=("definition.channel_sum", "laws.input_channels", "sweep.in_channels", "sweep.blocks"),
    smoke=False,
)
def float32_channels_reversed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float32:
        raise TypeError("float32 only")
    return conv(input, weight[:, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Keeps the weight of the first call of its shape; supports float32 only.",
    mechanism="previous_answer",
    killed_by=("behaviour.same_shape", "behaviour.many_calls"),
)
def float32_first_weight_kept(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float32:
        raise TypeError("float32 only")
    return conv(input, first_weight(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Keeps sums in float16; supports float32 only.",
    mechanism="narrow_accumulator",
    killed_by=("accuracy.gaussian", "accuracy.reduction"),
)
def float32_added_in_float16(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float32:
        raise TypeError("float32 only")
    assert groups == 1 and padding != "same", "dense, padding as numbers"
    assert input.dtype == np.float32, "float32"
    return added_in_float16(input, weight, bias, stride, padding, dilation)
