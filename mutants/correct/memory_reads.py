"""Correct NumPy builds that read more than their operands, but no page beside them, or that take an ``out``."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import ctypes

import numpy as np
from _parts import conv, correct

VECTOR_BYTES = 64


def by_aligned_vectors(array):
    """Return a copy of a contiguous array, read in the aligned vectors of memory that contain its elements."""
    if array is None or not array.size or not (array.flags.c_contiguous and array.flags.aligned):
        return array
    start = array.ctypes.data
    first = start // VECTOR_BYTES * VECTOR_BYTES
    last = -(-(start + array.nbytes) // VECTOR_BYTES) * VECTOR_BYTES
    memory = ctypes.string_at(first, last - first)
    return np.frombuffer(memory, array.dtype, array.size, start - first).reshape(array.shape)


@correct("Reads every operand in whole aligned vectors, whose first and last may contain bytes beside it.")
def operands_read_in_aligned_vectors(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    input, weight, bias = map(by_aligned_vectors, (input, weight, bias))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Writes its output to the array ``out`` if there is one.")
def output_into_an_array(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, out=None):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if out is None:
        return output
    out[...] = output
    return out
