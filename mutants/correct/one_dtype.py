"""Correct builds of one dtype, which refuse operands of others."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _parts import conv, correct


@correct("Supports int8 only.", problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_int8")
def int8_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.int8:
        raise TypeError("int8 only")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports complex numbers only.", problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_complex64")
def complex_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert np.iscomplexobj(input), "complex numbers only"
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Supports float16 only.", problem="n2c3h8w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_float16")
def float16_only(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float16:
        raise TypeError("float16 only")
    return conv(input, weight, bias, stride, padding, dilation, groups)
