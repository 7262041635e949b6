"""Mutants that answer an invalid call instead of refusing it."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, conv, mutant, pair, resolve


@mutant("Treats an unknown word for the padding as 'valid'.", mechanism="accepts_invalid", killed_by=("errors.words",))
def unknown_word_is_valid(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, str) and padding != "same":
        padding = "valid"
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Accepts the words for the padding in capitals too.", mechanism="accepts_invalid", killed_by=("errors.words",))
def words_in_capitals(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    padding = padding.lower() if isinstance(padding, str) else padding
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Accepts padding='same' with a stride.", mechanism="accepts_invalid", killed_by=("errors.same_with_stride",))
def same_with_a_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding == "same" and pair(stride) != (1, 1):
        padding = tuple(d * (k - 1) // 2 for d, k in zip(pair(dilation), weight.shape[2:], strict=True))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Broadcasts a bias of one element.", mechanism="accepts_invalid", killed_by=("errors.bias.one",))
def bias_of_one_broadcast(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.shape == (1,):
        bias = np.repeat(bias, len(weight))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Cuts a bias that is too long.", mechanism="accepts_invalid", killed_by=("errors.bias.columns",))
def long_bias_cut(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.ndim == 1:
        bias = bias[: len(weight)]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Fills a bias that is too short with zeros.", mechanism="accepts_invalid", killed_by=("errors.bias",))
def short_bias_filled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.ndim == 1 and 1 < len(bias) < len(weight):
        bias = np.concatenate([bias, np.zeros(len(weight) - len(bias), bias.dtype)])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Flattens a bias that is a column.", mechanism="accepts_invalid", killed_by=("errors.rank.bias",))
def bias_column_flattened(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    bias = None if bias is None else bias.reshape(-1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops input channels that the weight does not take.", mechanism="accepts_invalid", killed_by=("errors.channels",)
)
def surplus_channels_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == weight.ndim == 4:
        input = input[:, : weight.shape[1] * max(1, groups)]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops the filters of channels that the input lacks.", mechanism="accepts_invalid", killed_by=("errors.channels",)
)
def surplus_filters_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == weight.ndim == 4 and groups == 1:
        weight = weight[:, : input.shape[1]]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops output channels that do not divide into groups.", mechanism="accepts_invalid", killed_by=("errors.groups",)
)
def surplus_outputs_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(groups, int) and groups > 1 and weight.ndim == 4 and len(weight) % groups:
        keep = len(weight) // groups * groups
        return conv(input, weight[:keep], None if bias is None else bias[:keep], stride, padding, dilation, groups)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Treats groups=0 as one group.", mechanism="accepts_invalid", killed_by=("errors.groups.positive",))
def no_groups_is_one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups or 1)


@mutant(
    "Drops the sign of a negative number of groups.", mechanism="accepts_invalid", killed_by=("errors.groups.positive",)
)
def negative_groups(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, abs(groups) if isinstance(groups, int) else groups)


@mutant("Crops the input by a negative padding.", mechanism="accepts_invalid", killed_by=("errors.padding",))
def negative_padding_crops(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not isinstance(padding, str) and min(pair(padding)) < 0:
        crop = [max(0, -p) for p in pair(padding)]
        (h, w) = input.shape[2:]
        input = input[:, :, crop[0] : h - crop[0], crop[1] : w - crop[1]]
        padding = tuple(max(0, p) for p in pair(padding))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Drops the sign of a negative stride.", mechanism="accepts_invalid", killed_by=("errors.stride",))
def negative_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = (
        tuple(abs(s) for s in stride) if isinstance(stride, tuple) else abs(stride) if type(stride) is int else stride
    )
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Treats a stride of zero as one.", mechanism="accepts_invalid", killed_by=("errors.stride",))
def zero_stride_is_one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = tuple(s or 1 for s in stride) if isinstance(stride, tuple) else stride or 1
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Treats a dilation of zero as one.", mechanism="accepts_invalid", killed_by=("errors.dilation",))
def zero_dilation_is_dense(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    dilation = tuple(d or 1 for d in dilation) if isinstance(dilation, tuple) else dilation or 1
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Cuts off the fraction of a stride.", mechanism="accepts_invalid", killed_by=("errors.fractions",), tier="standard"
)
def fractional_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = int(stride) if isinstance(stride, float) else stride
    if isinstance(stride, tuple):
        stride = tuple(map(int, stride))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Takes the first two of three numbers for the stride.", mechanism="accepts_invalid", killed_by=("errors.lengths",)
)
def three_strides(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = stride[:2] if isinstance(stride, (tuple, list)) else stride
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Takes the first two of four numbers for the padding.",
    mechanism="accepts_invalid",
    killed_by=("errors.lengths",),
    tier="standard",
)
def four_paddings(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, (tuple, list)) and len(padding) > 2:
        padding = tuple(padding[:2])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Merges the first two axes of an input of five axes.", mechanism="accepts_invalid", killed_by=("errors.rank.input",)
)
def five_axes_merged(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == 5:
        input = input.reshape(-1, *input.shape[2:])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Adds an axis to a weight of three axes.", mechanism="accepts_invalid", killed_by=("errors.rank.weight",))
def weight_of_three_axes_taken(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.ndim == 3:
        weight = weight[None]
        bias = None if bias is None else bias[:1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Treats an input of two axes as one image of one channel.",
    mechanism="accepts_invalid",
    killed_by=("errors.rank.input",),
)
def plane_taken_for_image(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == 2:
        input, weight = input[None, None], weight[:, :1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Answers every invalid call with a single zero.",
    mechanism="accepts_invalid",
    killed_by=("errors.mixed_with_integers",),
)
def nothing_is_checked(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return computed(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias)
    except (ValueError, TypeError):
        return np.zeros((1, 1, 1, 1), dtype=input.dtype)


@mutant(
    "Answers a kernel larger than the padded input with an empty output instead of an error.",
    mechanism="accepts_invalid",
    killed_by=("errors.kernel_too_large",),
)
def kernel_too_large_gives_nothing(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    except ValueError as error:
        if "nothing to put out" not in str(error):
            raise
        return np.zeros((input.shape[0], weight.shape[0], 0, 0), dtype=input.dtype)


@mutant(
    "Answers a kernel larger than the padded input with a single zero instead of an error.",
    mechanism="accepts_invalid",
    killed_by=("empty.size", "errors.kernel_too_large"),
)
def kernel_too_large_gives_one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    except ValueError as error:
        if "nothing to put out" not in str(error):
            raise
        return np.zeros((input.shape[0], weight.shape[0], 1, 1), dtype=input.dtype)
