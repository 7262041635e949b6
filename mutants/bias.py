"""Mutants that drop or misplace the bias."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, conv, mutant, pair, resolve


@mutant(
    "Drops the bias if there is no padding.",
    mechanism="bias_dropped",
    killed_by=("bias.every_channel", "bias.zero", "padding.int"),
)
def bias_only_with_padding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding in (0, (0, 0), "valid"):
        bias = None if bias is None else bias * 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Requires a bias.",
    mechanism="refuses_valid",
    killed_by=("applied.sobel_magnitude", "bias.none", "special.constant"),
)
def bias_required(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, None, stride, padding, dilation, groups) + bias[:, None, None]


@mutant(
    "Adds the bias once for each group.",
    mechanism="wrong_scale",
    killed_by=("bias.in_groups", "groups.without_bias", "laws.bias"),
)
def bias_once_a_group(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None:
        bias = bias * np.array(groups, dtype=bias.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops the bias of pointwise kernels.",
    mechanism="bias_dropped",
    killed_by=("bias.zero", "covering.squares.grouped", "sweep.kernel.squares"),
)
def pointwise_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2:] == (1, 1) and bias is not None:
        bias = bias * 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Adds the bias along the columns where there are as many output channels as columns.",
    mechanism="bias_axis",
    killed_by=(
        "adversarial.arguments_new",
        "bias.along_channels",
        "covering.squares.dilated_evenly",
        "sweep.out_channels",
    ),
)
def bias_along_columns(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    if bias is None:
        return output
    if output.shape[3] == len(bias) > 1:
        return output + bias
    return output + bias[:, None, None]


@mutant(
    "Drops a bias whose elements add up to zero.",
    mechanism="bias_dropped",
    killed_by=("adversarial.kernel.balanced", "bias.large"),
)
def balanced_bias_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.sum() == 0:
        bias = bias * 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Adds each bias to the next output channel if there is a stride.",
    mechanism="bias_axis",
    killed_by=("bias.everywhere", "example.stack", "stride.pointwise"),
)
def strided_bias_rolled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and pair(stride) != (1, 1):
        bias = np.roll(bias, 1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Adds the bias to the first two images of a batch only.",
    mechanism="bias_dropped",
    killed_by=("bias.along_channels", "covering.geometry", "sweep.batch"),
)
def bias_for_two_images(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    if bias is not None:
        output[:2] += bias[:, None, None]
    return output


@mutant(
    "Adds no bias where the receptive field lies wholly in the padding.",
    mechanism="bias_dropped",
    killed_by=("bias.alone", "padding.at_least_the_kernel", "padding.none"),
)
def no_bias_in_the_padding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    if bias is None:
        return output
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    ones = np.ones((1, 1, *input.shape[2:]), dtype=np.float64)
    flat = problem.replace(batch=1, in_channels=1, out_channels=1, groups=1, bias=False, dtype="float64")
    touched = computed(flat, ones, np.ones((1, 1, *problem.kernel)), None) > 0
    return (output + touched * bias[:, None, None]).astype(input.dtype)
