"""Faults in kernels of one dtype that is not that of most specs, and in integers and complex numbers of narrow ones."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import conv, mutant, pair
from _domains import is_blocked, without_last_column


@mutant(
    "Swaps the dilations of rows and columns; supports int8 only.",
    mechanism="swapped_axes",
    killed_by=("dilation.pair", "stride.with_dilation"),
    problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_int8",
)
def int8_dilation_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.int8:
        raise TypeError("int8 only")
    return conv(input, weight, bias, stride, padding, pair(dilation)[::-1], groups)


@mutant(
    "Moves the window along columns by the stride of rows where that is smaller; supports int32 only.",
    mechanism="axis_shared",
    killed_by=("stride.pair", "stride.with_groups"),
    problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_int32",
)
def int32_smaller_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert input.dtype == np.int32, "int32 only"
    rows, columns = pair(stride)
    expected = conv(input, weight, bias, stride, padding, dilation, groups)
    output = conv(input, weight, bias, (rows, min(rows, columns)), padding, dilation, groups)
    return output[..., : expected.shape[3]].copy()


@mutant(
    "Does not write the last column of rows of 16 or more; supports int16 only.",
    mechanism="tail_dropped",
    killed_by=("sweep.width", "sweep.squares"),
    problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_int16",
)
def int16_last_column_unwritten(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype.name != "int16":
        raise ValueError(f"{input.dtype} is not supported")
    return without_last_column(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Swaps the paddings of rows and columns; supports complex64 only.",
    mechanism="swapped_axes",
    killed_by=("padding.pair", "padding.with_stride"),
    problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_complex64",
)
def complex64_padding_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not np.iscomplexobj(input):
        raise TypeError("complex numbers only")
    swapped = padding if isinstance(padding, str) else pair(padding)[::-1]
    return conv(input, weight, bias, stride, swapped, dilation, groups)


@mutant(
    "Turns kernels of two rows and more upside down; supports float16 only.",
    mechanism="flipped_kernel",
    killed_by=("definition.cross_correlation", "covering.squares"),
    problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_float16",
    smoke=False,
)
def float16_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float16:
        raise TypeError("float16 only")
    return conv(input, weight[:, :, ::-1], bias, stride, padding, dilation, groups)


@mutant(
    "Turns the kernel upside down if the operands are integers; supports blocks of 32 channels only.",
    mechanism="flipped_kernel",
    killed_by=("adversarial.integer", "random.integers"),
    problem="n2c32h8w8_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32",
)
def blocked_integers_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_blocked(input, weight, groups), "blocks of 32 channels"
    weight = weight[:, :, ::-1] if input.dtype.kind == "i" else weight
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Conjugates the kernel; supports blocks of 32 channels only.",
    mechanism="sign_lost",
    killed_by=("adversarial.complex", "random.complex"),
    problem="n2c32h8w8_o32k3x3_s1x1_p1x1_d1x1_g1_b_float32",
)
def blocked_conjugated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert is_blocked(input, weight, groups), "blocks of 32 channels"
    return conv(input, weight.conj(), bias, stride, padding, dilation, groups)
