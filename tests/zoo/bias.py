"""Faults in the bias."""

import numpy as np
from _parts import conv, fault, pair


@fault("Without padding the bias is forgotten.", caught_by=["bias", "padding"])
def bias_only_with_padding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding in (0, (0, 0), "valid"):
        bias = None if bias is None else bias * 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A bias is required.", caught_by=["bias"])
def bias_required(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, None, stride, padding, dilation, groups) + bias[:, None, None]


@fault("The bias is added once for each group.", caught_by=["bias", "groups"])
def bias_once_a_group(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None:
        bias = bias * np.array(groups, dtype=bias.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Pointwise kernels forget the bias.", caught_by=["bias", "sweep", "covering"])
def pointwise_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2:] == (1, 1) and bias is not None:
        bias = bias * 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Where there are as many outputs as columns the bias is added along the columns.",
       caught_by=["bias", "sweep", "covering", "adversarial"])  # fmt: skip
def bias_along_columns(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    if bias is None:
        return output
    if output.shape[3] == len(bias) > 1:
        return output + bias
    return output + bias[:, None, None]


@fault("A bias that adds up to zero is taken for none.", caught_by=["bias", "adversarial"])
def balanced_bias_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.sum() == 0:
        bias = bias * 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("With a stride the bias is added before the outputs are thinned, at the wrong channel.",
       caught_by=["bias", "stride"])  # fmt: skip
def strided_bias_rolled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and pair(stride) != (1, 1):
        bias = np.roll(bias, 1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault(
    "The bias is added to the first image of a batch of three or more alone.", caught_by=["bias", "sweep", "covering"]
)
def bias_for_two_images(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    if bias is not None:
        output[:2] += bias[:, None, None]
    return output
