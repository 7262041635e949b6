"""Mutants that misread valid arguments."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import conv, mutant


@mutant(
    "Reads a single number for the stride as (number, 1).",
    mechanism="argument_misread",
    killed_by=("arguments.spellings", "stride.int"),
)
def stride_number_for_rows(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride = (stride, 1) if isinstance(stride, int) else stride
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Raises for a single number as the padding unless it is 1.",
    mechanism="refuses_valid",
    killed_by=("arguments.defaults",),
)
def padding_must_be_a_pair(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding != 1:
        len(padding)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Pads by 1 if the padding is left out.", mechanism="argument_misread", killed_by=("arguments.defaults",))
def default_padding_of_one(input, weight, bias=None, stride=1, padding=1, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Uses the kernel's size as the stride if the stride is left out.",
    mechanism="argument_misread",
    killed_by=("arguments.defaults",),
    advised_by=("errors.types",),
)
def default_stride_of_the_kernel(input, weight, bias=None, stride=None, padding=0, dilation=1, groups=1):
    if stride is None:
        stride = weight.shape[2:]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads a list or tuple of one padding as that of the rows and does not pad the columns.",
    mechanism="argument_misread",
    killed_by=("arguments.lists_of_one", "errors.one_number"),
)
def one_number_for_the_rows(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, (list, tuple)) and len(padding) == 1:
        padding = (padding[0], 0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads a stride of NumPy integers as (width, height), the order of image libraries.",
    mechanism="swapped_axes",
    killed_by=("arguments.numpy_integers",),
)
def numpy_pairs_width_first(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(stride, (list, tuple)) and isinstance(stride[0], np.integer):
        stride = tuple(stride)[::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Uses the first of a pair of NumPy integers as the stride of both axes.",
    mechanism="axis_shared",
    killed_by=("arguments.numpy_integers",),
)
def numpy_pair_halved(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(stride, (tuple, list)) and all(isinstance(step, np.integer) for step in stride):
        stride = int(stride[0])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Takes the dilation before the padding if the arguments are given by position.",
    mechanism="argument_misread",
    killed_by=("arguments.order",),
)
def dilation_before_padding(input, weight, bias=None, stride=1, dilation=1, padding=0, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Takes the groups before the dilation if the arguments are given by position.",
    mechanism="argument_misread",
    killed_by=("arguments.order",),
)
def groups_before_dilation(input, weight, bias=None, stride=1, padding=0, groups=1, dilation=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Adds one to each output if the bias is left out.",
    mechanism="argument_misread",
    killed_by=("arguments.without_bias",),
)
def bias_of_one_by_default(input, weight, bias=1, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(bias, int):
        bias = np.ones(len(weight), weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Extends a padding list of one element to a pair in the caller's own list.",
    mechanism="mutates_operands",
    killed_by=("arguments.lists_of_one",),
)
def list_extended(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, dilation = (
        value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value for value in (stride, dilation)
    )
    if isinstance(padding, list) and len(padding) == 1:
        padding *= 2
    if isinstance(padding, tuple) and len(padding) == 1:
        padding *= 2
    return conv(input, weight, bias, stride, padding, dilation, groups)
