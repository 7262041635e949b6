"""Mutants that read or write memory before or after an array, mostly without an effect on the output."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import conv, mutant
from numpy.lib.stride_tricks import as_strided


def elements(array, first, last):
    """Return the elements of a contiguous array from ``first`` to before ``last``, which may be outside of it."""
    flat = array.reshape(-1)
    if first >= 0:
        return as_strided(flat, (last,), flat.strides)[first:]
    return as_strided(flat, (1 - first,), (-array.itemsize,))[::-1][: last - first]


def whole(array, lanes):
    """Return a copy of an array in whole vectors, as a kernel without a loop for the tail reads it."""
    return elements(array, 0, -(-array.size // lanes) * lanes).copy()


def is_dense(array):
    return array is not None and array.size > 0 and array.flags.c_contiguous and array.flags.aligned


@mutant(
    "Reads the input in whole vectors of 4 elements, the last of which may end after the input.",
    mechanism="out_of_bounds",
    killed_by=("bounds.input",),
)
def input_read_in_vectors(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if is_dense(input):
        input = whole(input, 4)[: input.size].reshape(input.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Packs the weight in whole vectors of 8 elements, the last of which may end after the weight.",
    mechanism="out_of_bounds",
    killed_by=("bounds.weight",),
)
def weight_packed_in_vectors(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if is_dense(weight):
        weight = whole(weight, 8)[: weight.size].reshape(weight.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Loads the bias of 16 output channels at once, also where there are fewer.",
    mechanism="out_of_bounds",
    killed_by=("bounds.bias",),
)
def bias_loaded_by_sixteen(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if is_dense(bias):
        bias = whole(bias, 16)[: bias.size]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads the element before the input as the left neighbour of its first one, and multiplies it by zero.",
    mechanism="out_of_bounds",
    killed_by=("bounds.input",),
)
def left_neighbour_read(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if is_dense(input) and weight.shape[3] > 1 and output.size:
        neighbour = elements(input, -1, 1).copy()[0]
        output += np.where([False], neighbour, 0).astype(output.dtype)
    return output


@mutant(
    "Reads rows of up to 8 columns as 8, and masks the columns that are not part of the row afterwards.",
    mechanism="out_of_bounds",
    killed_by=("bounds.input",),
)
def tail_of_rows_masked(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    width = input.shape[3]
    if is_dense(input) and width < 8:
        rows = as_strided(input, (*input.shape[:3], 8), input.strides).copy()
        masked = np.where(np.arange(8) < width, rows, np.zeros((), input.dtype))
        input = masked[..., :width]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Writes zeros to a whole vector at the end of the weight, and restores it after the call.",
    mechanism="out_of_bounds",
    killed_by=("bounds.weight",),
)
def end_of_the_weight_restored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if is_dense(weight) and weight.flags.writeable and weight.size % 4:
        tail = elements(weight, weight.size, -(-weight.size // 4) * 4)
        saved = tail.copy()
        tail[...] = 0
        tail[...] = saved
    return output


@mutant(
    "Stores its output in whole vectors of 4 elements, the last of which may end after the array ``out``.",
    mechanism="out_of_bounds",
    killed_by=("bounds.output",),
)
def output_stored_in_vectors(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, out=None):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if out is None:
        return output
    out[...] = output
    if is_dense(out):
        tail = elements(out, 0, -(-out.size // 4) * 4)
        tail[out.size :] = tail[out.size :].copy()
    return out
