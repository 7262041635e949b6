"""Mutants that assume a memory layout: strides, offsets, byte order and alignment."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import ctypes

import numpy as np
from _base import conv, mutant, resolve
from numpy.lib.stride_tricks import as_strided


def raw(array):
    """Return ``array`` as a kernel reads it that takes a bare pointer: contiguous from its first element."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    start = array.__array_interface__["data"][0]
    end = owner.__array_interface__["data"][0] + owner.nbytes
    room = max(0, min(array.nbytes, end - start))
    return np.frombuffer(ctypes.string_at(start, room) + bytes(array.nbytes - room), array.dtype).reshape(array.shape)


@mutant(
    "Ignores the input's strides.",
    mechanism="layout_assumed",
    killed_by=("layout.transposed", "layout.sliced"),
)
def input_taken_for_contiguous(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(raw(input), weight, bias, stride, padding, dilation, groups)


@mutant(
    "Ignores the weight's strides.",
    mechanism="layout_assumed",
    killed_by=("layout.transposed", "layout.broadcast"),
)
def weight_taken_for_contiguous(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, raw(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Ignores the stride of the bias.",
    mechanism="layout_assumed",
    killed_by=("layout.sliced", "layout.broadcast"),
)
def bias_taken_for_contiguous(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, None if bias is None else raw(bias), stride, padding, dilation, groups)


@mutant(
    "Reads an input in Fortran order as though it were in C order.",
    mechanism="layout_assumed",
    killed_by=("layout.fortran",),
)
def input_in_fortran_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.flags.f_contiguous and not input.flags.c_contiguous:
        input = input.reshape(-1, order="A").reshape(input.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads a weight in Fortran order as though it were in C order.",
    mechanism="layout_assumed",
    killed_by=("layout.fortran",),
)
def weight_in_fortran_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.flags.f_contiguous and not weight.flags.c_contiguous:
        weight = weight.reshape(-1, order="A").reshape(weight.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads a channels-last weight as though it were in C order.",
    mechanism="layout_assumed",
    killed_by=("layout.channels_last",),
)
def channels_last_weight_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    last = weight.transpose(0, 2, 3, 1)
    if last.flags.c_contiguous and not weight.flags.c_contiguous:
        weight = last.reshape(weight.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Zeroes all filters but the first if the weight has a stride of zero.",
    mechanism="layout_assumed",
    killed_by=("layout.broadcast",),
)
def expanded_weight_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if 0 in weight.strides and weight.shape[0] > 1:
        weight = np.concatenate([weight[:1], weight[1:] * 0])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Reads negative strides of the input as positive.", mechanism="layout_assumed", killed_by=("layout.negative",))
def negative_strides_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if any(step < 0 for step in input.strides):
        input = input[..., ::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads an input of foreign byte order as native.",
    mechanism="layout_assumed",
    killed_by=("layout.bigendian",),
)
def byte_order_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    with np.errstate(all="ignore"):
        return conv(input.view(input.dtype.newbyteorder("=")), weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads a weight of foreign byte order as native.",
    mechanism="layout_assumed",
    killed_by=("layout.bigendian",),
)
def weight_byte_order_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    with np.errstate(all="ignore"):
        return conv(input, weight.view(weight.dtype.newbyteorder("=")), bias, stride, padding, dilation, groups)


@mutant(
    "Rounds unaligned addresses down, so that the input is read one column late.",
    mechanism="layout_assumed",
    killed_by=("layout.mixed", "layout.unaligned"),
)
def alignment_assumed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not input.flags.aligned:
        input = np.roll(input, 1, axis=-1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Misreads a contiguous input by the stride of an axis of one element, which means nothing.",
    mechanism="layout_assumed",
    killed_by=("layout.odd_strides",),
)
def unused_stride_followed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    usual = np.empty_like(input, order="C").strides
    if input.flags.c_contiguous and input.size and input.strides != usual:
        input = np.roll(input, 1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Computes the step between channels from that of the rows, which misreads crops.",
    mechanism="layout_assumed",
    killed_by=("layout.cropped", "layout.planes"),
)
def image_step_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    _, c, h, _ = input.shape
    usual = (input.strides[0], h * input.strides[2], input.strides[2], input.strides[3])
    if input.strides != usual and input.strides[3] == input.itemsize and input.size and c > 1 and h > 1:
        input = np.concatenate([input[:, :1], np.roll(input[:, 1:], 1, axis=2)], axis=1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


def dense(array):
    """Return the elements at the addresses that they would have if the array had no gaps."""
    steps = np.cumprod((array.itemsize, *array.shape[:0:-1]))[::-1]
    return as_strided(array, array.shape, tuple(int(step) for step in steps)).copy()


@mutant(
    "Reads a weight whose planes are contiguous as though the planes were adjacent.",
    mechanism="layout_assumed",
    killed_by=("layout.planes",),
)
def planes_read_densely(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    kh, kw = weight.shape[2:]
    whole = weight.strides[2:] == (kw * weight.itemsize, weight.itemsize) and min(weight.shape) > 1
    if whole and weight.strides[1] > kh * kw * weight.itemsize:
        weight = dense(weight)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads a batch of contiguous images as though the images were adjacent.",
    mechanism="layout_assumed",
    killed_by=("layout.part",),
)
def images_read_densely(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    inner = tuple(input.itemsize * step for step in (input.shape[2] * input.shape[3], input.shape[3], 1))
    if input.size and input.strides[1:] == inner and min(input.shape) > 1:
        input = dense(input)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads a weight in Fortran order as though it were in C order, in batches of 16 or more images.",
    mechanism="layout_assumed",
    killed_by=("covering.spellings_and_layouts", "layout.fortran"),
)
def dense_weight_in_large_batches(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if p.batch >= 16 and not weight.flags.c_contiguous and weight.flags.f_contiguous:
        weight = np.ascontiguousarray(weight.reshape(-1, order="A").reshape(weight.shape))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads an input in Fortran order as though it were in C order, in depthwise convolutions of stride 2.",
    mechanism="layout_assumed",
    killed_by=("covering.spellings_and_layouts", "random.layouts"),
    tier="standard",
)
def depthwise_strided_densely(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if groups == p.in_channels > 1 and p.stride == (2, 2) and input.flags.f_contiguous and not input.flags.c_contiguous:
        input = input.reshape(-1, order="A").reshape(input.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Casts its input's buffer, which fails for an input that is not contiguous.",
    mechanism="refuses_valid",
    killed_by=("layout.sliced", "layout.transposed"),
)
def contiguous_input_demanded(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    memoryview(input).cast("B")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Copies a read-only input without its last column.",
    mechanism="tail_dropped",
    killed_by=("layout.broadcast", "layout.readonly"),
)
def readonly_copied_in_part(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not input.flags.writeable:
        input = np.concatenate([input[..., :-1], np.zeros_like(input[..., -1:])], axis=-1)
    return conv(input, weight, bias, stride, padding, dilation, groups)
