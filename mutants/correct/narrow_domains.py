"""Correct builds that support a narrow domain and refuse other calls by an exception."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _parts import (
    conv,
    correct,
    has_even_sizes,
    has_int_arguments,
    has_powers_of_two,
    is_blocked,
    is_depthwise,
    is_one_image,
    is_square_3x3,
)


@correct("Supports one image without padding only.", problem="n1c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32")
def one_image_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_one_image(input, weight, stride, padding), "one image without padding"
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports dense 3x3 kernels on square images only.", problem="n2c3h8w8_o4k3x3_s1x1_p0x0_d1x1_g1_b_float32")
def square_3x3_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_square_3x3(input, weight, stride, padding, dilation, groups):
        raise ValueError("3x3 kernels on square images, stride 1, no padding")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports blocks of 32 channels only.", problem="n2c32h8w8_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32")
def blocked_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_blocked(input, weight, groups), "blocks of 32 channels"
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports depthwise convolutions only.", problem="n2c4h8w8_o4k3x3_s1x1_p1x1_d1x1_g4_b_float32")
def depthwise_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not is_depthwise(input, weight, groups):
        raise ValueError("depthwise convolutions only")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports stride 1 and padding as an int only.")
def int_arguments_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_int_arguments(stride, padding, dilation):
        raise TypeError("stride 1, dilation 1 and a padding that is an int")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports even sizes only.")
def even_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert has_even_sizes(input), "even sizes"
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports powers of two only.")
def power_of_two_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not has_powers_of_two(input):
        raise ValueError("height and width must be powers of two")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports no bias only.", problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_float32")
def no_bias_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert bias is None, "no bias"
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports float32 only.")
def float32_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float32:
        raise TypeError("float32 only")
    return conv(input, weight, bias, stride, padding, dilation, groups)
