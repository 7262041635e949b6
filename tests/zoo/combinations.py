"""Faults that need several parameters at once."""

import numpy as np
from _parts import computed, fault, resolve


def off_by_one_where(condition, problem, input, weight, bias):
    """The sound answer, but for its first output, where ``condition`` holds."""
    output = computed(problem, input, weight, bias)
    if condition and output.size:
        output.reshape(-1)[0] += np.array(1, output.dtype)
    return output


@fault("Groups, a stride and a dilation together are wrong.", caught_by=["covering", "sweep", "groups"])
def grouped_strided_dilated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    odd = p.groups > 1 and p.stride != (1, 1) and p.dilation != (1, 1)
    return off_by_one_where(odd, p, input, weight, bias)


@fault("Without a bias, groups and padding of unequal sides are wrong.", caught_by=["covering", "padding", "groups"])
def grouped_unpadded_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    odd = p.groups > 1 and not p.bias and p.pads[0] != p.pads[1]
    return off_by_one_where(odd, p, input, weight, bias)


@fault("A stride in the width alone, a dilation in the height alone and an even kernel are wrong.",
       caught_by=["covering", "sweep", "stride", "dilation"], tier="standard")  # fmt: skip
def crossed_stride_and_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    odd = p.stride[0] == 1 < p.stride[1] and p.dilation[1] == 1 < p.dilation[0] and p.kernel[0] % 2 == 0
    return off_by_one_where(odd, p, input, weight, bias)


@fault("Depthwise with a multiplier, stride 2, no padding and an odd height is wrong.",
       caught_by=["covering", "sweep", "groups"], tier="standard")  # fmt: skip
def multiplied_strided_unpadded(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    depthwise = p.groups == p.in_channels > 1 and p.out_channels > p.groups
    odd = depthwise and p.stride == (2, 2) and p.pads == ((0, 0), (0, 0)) and p.height % 2 == 1
    return off_by_one_where(odd, p, input, weight, bias)


@fault(
    "float16 with groups and a channels-innermost input is wrong.", caught_by=["covering", "layout"], tier="standard"
)
def half_grouped_channels_last(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    last = input.ndim == 4 and input.strides[1] == input.itemsize and input.shape[1] > 1
    return off_by_one_where(p.dtype == "float16" and p.groups > 1 and last, p, input, weight, bias)


@fault("float64 with a dilation is wrong.", caught_by=["covering", "dilation"], tier="standard")
def double_dilated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    return off_by_one_where(p.dtype == "float64" and p.dilation != (1, 1), p, input, weight, bias)


@fault("An output of one row from a kernel as high as the image, with a stride in the width, is wrong.",
       caught_by=["covering", "sweep", "shape"], tier="standard")  # fmt: skip
def full_height_strided(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    odd = p.kernel[0] == p.height > 1 and p.stride[1] > 1 and p.output_size[0] == 1
    return off_by_one_where(odd, p, input, weight, bias)


@fault(
    "'same' with groups and a dilation of unequal sides is wrong.", caught_by=["covering", "padding"], tier="standard"
)
def same_grouped_dilated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    odd = padding == "same" and p.groups > 1 and p.dilation[0] != p.dilation[1]
    return off_by_one_where(odd, p, input, weight, bias)
