"""Mutants that lose digits of the offsets of operands whose images are more than 2^32 elements apart."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import ctypes

import numpy as np
from _base import conv, mutant

_LIMIT = 1 << 31


def _read_at(array, offset):
    """Return a copy of the first image or filter of an array, read so many elements after its own place."""
    address = array.ctypes.data + offset * array.itemsize
    inner = array[0]
    count = 1 + sum((size - 1) * step for size, step in zip(inner.shape, inner.strides, strict=True)) // array.itemsize
    memory = (ctypes.c_char * (count * array.itemsize)).from_address(address)
    return np.ndarray(inner.shape, array.dtype, memory, 0, inner.strides).copy()


def _gathered(array, offset_of):
    """Return a copy of an array whose images or filters are read at offsets computed from number and stride."""
    is_usual = array.size and array.dtype.isnative and all(step % array.itemsize == 0 for step in array.strides)
    if not is_usual or min(array.strides) < 0:
        return array
    step = array.strides[0] // array.itemsize
    return np.stack([_read_at(array, offset_of(number, step)) for number in range(len(array))])


@mutant(
    "Computes the offset of an image and of a filter in 32 bits.",
    mechanism="index_overflow",
    also=("layout_assumed",),  # it shows in one layout alone
    killed_by=("layout.distant",),
)
def offsets_of_32_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    def wrapped(number, step):
        return (number * step + _LIMIT) % (2 * _LIMIT) - _LIMIT

    return conv(_gathered(input, wrapped), _gathered(weight, wrapped), bias, stride, padding, dilation, groups)


@mutant(
    "Keeps the strides of images in float32, which has 24 digits.",
    mechanism="index_overflow",
    also=("layout_assumed",),  # it shows in one layout alone
    killed_by=("layout.distant",),
)
def strides_of_24_digits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    def rounded(number, step):
        return number * int(np.float32(step))

    return conv(_gathered(input, rounded), weight, bias, stride, padding, dilation, groups)
