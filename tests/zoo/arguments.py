"""Faults in how arguments are taken, and in what is refused."""

import numpy as np
from _parts import computed, conv, fault, pair, resolve


@fault("A single number for the stride means (number, 1).", caught_by=["stride", "arguments"])
def stride_number_for_rows(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = (stride, 1) if isinstance(stride, int) else stride
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A single number for the padding other than 1 raises.", caught_by=["padding", "arguments"])
def padding_must_be_a_pair(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding != 1:
        len(padding)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Lists are refused: arguments are looked up in a table.", caught_by=["arguments"])
def lists_refused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    hash((stride, padding, dilation))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Left out, the padding is 1.", caught_by=["arguments", "adversarial"])
def default_padding_of_one(input, weight, bias=None, stride=1, padding=1, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Left out, the stride is the kernel's size.", caught_by=["arguments", "adversarial"])
def default_stride_of_the_kernel(input, weight, bias=None, stride=None, padding=0, dilation=1, groups=1):
    if stride is None:
        stride = weight.shape[2:]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Strings for the padding are refused.", caught_by=["padding", "arguments"])
def words_refused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, str):
        raise TypeError("padding must be a number or a pair")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("An unknown word for the padding means 'valid'.", caught_by=["errors"])
def unknown_word_is_valid(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, str) and padding != "same":
        padding = "valid"
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Words for the padding are taken in capitals too.", caught_by=["errors"])
def words_in_capitals(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    padding = padding.lower() if isinstance(padding, str) else padding
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("padding='same' is taken with a stride.", caught_by=["errors"])
def same_with_a_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding == "same" and pair(stride) != (1, 1):
        padding = tuple(d * (k - 1) // 2 for d, k in zip(pair(dilation), weight.shape[2:]))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A bias of one element is broadcast.", caught_by=["errors"])
def bias_of_one_broadcast(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.shape == (1,):
        bias = np.repeat(bias, len(weight))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A bias that is too long is cut.", caught_by=["errors"])
def long_bias_cut(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.ndim == 1:
        bias = bias[: len(weight)]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A bias that is too short is filled with zeros.", caught_by=["errors"])
def short_bias_filled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.ndim == 1 and 1 < len(bias) < len(weight):
        bias = np.concatenate([bias, np.zeros(len(weight) - len(bias), bias.dtype)])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A bias that is a column is flattened.", caught_by=["errors"])
def bias_column_flattened(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    bias = None if bias is None else bias.reshape(-1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Input channels that the weight does not take are dropped.", caught_by=["errors"])
def surplus_channels_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == weight.ndim == 4:
        input = input[:, : weight.shape[1] * max(1, groups)]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Filters for channels that the input has not are dropped.", caught_by=["errors"])
def surplus_filters_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == weight.ndim == 4 and groups == 1:
        weight = weight[:, : input.shape[1]]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Outputs that do not divide into groups are dropped.", caught_by=["errors"])
def surplus_outputs_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(groups, int) and groups > 1 and weight.ndim == 4 and len(weight) % groups:
        keep = len(weight) // groups * groups
        return conv(input, weight[:keep], None if bias is None else bias[:keep], stride, padding, dilation, groups)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("No groups means one.", caught_by=["errors"])
def no_groups_is_one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups or 1)


@fault("A negative number of groups is taken without its sign.", caught_by=["errors"])
def negative_groups(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, abs(groups) if isinstance(groups, int) else groups)


@fault("Negative padding crops the input.", caught_by=["errors"])
def negative_padding_crops(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not isinstance(padding, str) and min(pair(padding)) < 0:
        crop = [max(0, -p) for p in pair(padding)]
        (h, w) = input.shape[2:]
        input = input[:, :, crop[0] : h - crop[0], crop[1] : w - crop[1]]
        padding = tuple(max(0, p) for p in pair(padding))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A negative stride goes forward.", caught_by=["errors"])
def negative_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = (
        tuple(abs(s) for s in stride) if isinstance(stride, tuple) else abs(stride) if type(stride) is int else stride
    )
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A stride of zero means one.", caught_by=["errors"])
def zero_stride_is_one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = tuple(s or 1 for s in stride) if isinstance(stride, tuple) else stride or 1
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A dilation of zero means dense.", caught_by=["errors"])
def zero_dilation_is_dense(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    dilation = tuple(d or 1 for d in dilation) if isinstance(dilation, tuple) else dilation or 1
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Fractions of a stride are cut off.", caught_by=["errors"], tier="standard")
def fractional_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = int(stride) if isinstance(stride, float) else stride
    if isinstance(stride, tuple):
        stride = tuple(map(int, stride))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Of three numbers for the stride the first two are taken.", caught_by=["errors"])
def three_strides(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = stride[:2] if isinstance(stride, (tuple, list)) else stride
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Four numbers for the padding are taken as sides.", caught_by=["errors"], tier="standard")
def four_paddings(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, (tuple, list)) and len(padding) > 2:
        padding = tuple(padding[:2])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Inputs of five axes have the first two merged.", caught_by=["errors"])
def five_axes_merged(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == 5:
        input = input.reshape(-1, *input.shape[2:])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A weight of three axes is given an axis.", caught_by=["errors"])
def weight_of_three_axes_taken(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.ndim == 3:
        weight = weight[None]
        bias = None if bias is None else bias[:1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("An input of two axes is taken for one image of one channel.", caught_by=["errors"])
def plane_taken_for_image(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim == 2:
        input, weight = input[None, None], weight[:, :1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Nothing is checked: an invalid call is answered with whatever comes out.", caught_by=["errors"])
def nothing_is_checked(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return computed(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias)
    except (ValueError, TypeError):
        return np.zeros((1, 1, 1, 1), dtype=input.dtype)


@fault("A list or tuple of one number is that of the rows, and the columns' is 0.", caught_by=["arguments"])
def one_number_for_the_rows(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, (list, tuple)) and len(padding) == 1:
        padding = (padding[0], 0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Pairs of NumPy's integers are taken for (width, height), as an image library has them.",
       caught_by=["arguments.numpy_integers"])  # fmt: skip
def numpy_pairs_width_first(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(stride, (list, tuple)) and isinstance(stride[0], np.integer):
        stride = tuple(stride)[::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("By position, dilation comes before padding.", caught_by=["arguments.order"])
def dilation_before_padding(input, weight, bias=None, stride=1, dilation=1, padding=0, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The bias has no default: without one it must be None.", caught_by=["arguments.without_bias"])
def bias_without_a_default(input, weight, bias, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)
