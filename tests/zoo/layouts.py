"""Faults in memory layouts: strides, offsets, byte order and alignment left out of account."""

import ctypes

import numpy as np
from _parts import conv, fault


def raw(array):
    """``array`` read as though contiguous from its first element's address, as a kernel given a bare pointer does."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    start = array.__array_interface__["data"][0]
    end = owner.__array_interface__["data"][0] + owner.nbytes
    room = max(0, min(array.nbytes, end - start))
    return np.frombuffer(ctypes.string_at(start, room) + bytes(array.nbytes - room), array.dtype).reshape(array.shape)


@fault("The input's strides are ignored.", caught_by=["layout"])
def input_taken_for_contiguous(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(raw(input), weight, bias, stride, padding, dilation, groups)


@fault("The weight's strides are ignored.", caught_by=["layout"])
def weight_taken_for_contiguous(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, raw(weight), bias, stride, padding, dilation, groups)


@fault("The bias' stride is ignored.", caught_by=["layout"])
def bias_taken_for_contiguous(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, None if bias is None else raw(bias), stride, padding, dilation, groups)


@fault("A Fortran-ordered input is flattened in its own order.", caught_by=["layout"])
def input_in_fortran_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.flags.f_contiguous and not input.flags.c_contiguous:
        input = input.reshape(-1, order="A").reshape(input.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A transposed weight is read untransposed.", caught_by=["layout"])
def weight_in_fortran_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.flags.f_contiguous and not weight.flags.c_contiguous:
        weight = weight.reshape(-1, order="A").reshape(weight.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A weight whose channels lie innermost is read as rows.", caught_by=["layout"])
def channels_last_weight_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    last = weight.transpose(0, 2, 3, 1)
    if last.flags.c_contiguous and not weight.flags.c_contiguous:
        weight = last.reshape(weight.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A zero stride in the weight is taken for one.", caught_by=["layout"])
def expanded_weight_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if 0 in weight.strides and weight.shape[0] > 1:
        weight = np.concatenate([weight[:1], weight[1:] * 0])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Negative strides are taken for positive.", caught_by=["layout"])
def negative_strides_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if any(step < 0 for step in input.strides):
        input = input[..., ::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Big-endian operands are read in the machine's byte order.", caught_by=["layout"])
def byte_order_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    with np.errstate(all="ignore"):
        return conv(input.view(input.dtype.newbyteorder("=")), weight, bias, stride, padding, dilation, groups)


@fault("A big-endian weight is read in the machine's byte order.", caught_by=["layout"])
def weight_byte_order_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    with np.errstate(all="ignore"):
        return conv(input, weight.view(weight.dtype.newbyteorder("=")), bias, stride, padding, dilation, groups)


@fault("Read-only operands are refused.", caught_by=["layout"])
def readonly_refused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not input.flags.writeable:
        raise ValueError("buffer source array is read-only")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A read-only weight is refused.", caught_by=["layout"])
def readonly_weight_refused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not weight.flags.writeable:
        raise ValueError("buffer source array is read-only")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("An input that is not contiguous is refused.", caught_by=["layout"])
def contiguous_input_demanded(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not input.flags.c_contiguous:
        raise ValueError("ndarray is not C-contiguous")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Unaligned addresses are rounded down.", caught_by=["layout"])
def alignment_assumed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not input.flags.aligned:
        input = np.roll(input, 1, axis=-1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The step between images is taken from a row's: crops of a larger batch are misread.",
       caught_by=["layout"])  # fmt: skip
def image_step_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    _, c, h, _ = input.shape
    usual = (input.strides[0], h * input.strides[2], input.strides[2], input.strides[3])
    if input.strides != usual and input.strides[3] == input.itemsize and input.size and c > 1 and h > 1:
        input = np.concatenate([input[:, :1], np.roll(input[:, 1:], 1, axis=2)], axis=1)
    return conv(input, weight, bias, stride, padding, dilation, groups)
