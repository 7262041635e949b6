"""Narrow domains of mutants and correct builds: predicates of a call, true if the build supports it.

A build refuses the other calls in its own file, since only an exception that its own code raises is a refusal.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from _base import Array, pair
from numpy.lib.stride_tricks import sliding_window_view

Domain = Callable[..., bool]
Argument = Any  # int, pair or word, as spelled in the call


def _is_zero(value: Argument) -> bool:
    return bool(value in (0, (0, 0), [0, 0], "valid"))


def _is_one(value: Argument) -> bool:
    return bool(value in (1, (1, 1), [1, 1]))


def is_one_image(input: Array, weight: Array, stride: Argument, padding: Argument) -> bool:
    """Return True for one image without padding."""
    return len(input) == 1 and _is_zero(padding)


def is_square_3x3(
    input: Array, weight: Array, stride: Argument, padding: Argument, dilation: Argument, groups: int
) -> bool:
    """Return True for dense 3x3 kernels of stride 1 on square images without padding."""
    is_square = weight.shape[2:] == (3, 3) and input.shape[2] == input.shape[3]
    return is_square and _is_one(stride) and _is_zero(padding) and _is_one(dilation) and groups == 1


def is_blocked(input: Array, weight: Array, groups: int) -> bool:
    """Return True for dense convolutions whose channels and filters are in whole blocks of 32."""
    return bool(groups == 1 and input.shape[1] % 32 == 0 and len(weight) % 32 == 0)


def is_depthwise(input: Array, weight: Array, groups: int) -> bool:
    """Return True if each channel has one filter of its own."""
    return bool(groups == input.shape[1] == len(weight))


def has_int_arguments(stride: Argument, padding: Argument, dilation: Argument) -> bool:
    """Return True for stride and dilation 1, and a padding that is an int."""
    return type(padding) is int and type(stride) is int and stride == 1 and type(dilation) is int and dilation == 1


def has_even_sizes(input: Array) -> bool:
    """Return True for images of even height and width."""
    return bool(input.shape[2] % 2 == 0 and input.shape[3] % 2 == 0)


def has_powers_of_two(input: Array) -> bool:
    """Return True for images whose height and width are powers of two."""
    return all(size > 0 and size & (size - 1) == 0 for size in input.shape[2:])


# --- faults that narrow domains hide ---------------------------------------------------------------------------------


_FIRST_WEIGHTS: dict[object, Array] = {}  # by shape and dtype


def first_weight(weight: Array) -> Array:
    """Return the weight of the first call with this shape and dtype."""
    return _FIRST_WEIGHTS.setdefault((weight.shape, weight.dtype), weight.copy())


def transposed_if_square(weight: Array) -> Array:
    """Return the weight with the rows and columns of a square kernel swapped."""
    return weight.swapaxes(2, 3) if weight.shape[2] == weight.shape[3] else weight


def bias_of_next_filter(bias: Array | None) -> Array | None:
    """Return the bias with that of the next filter for each."""
    return None if bias is None else np.roll(bias, -1)


def without_last_column(output: Array, least: int = 16) -> Array:
    """Return the output with zeros in the last column, if it has ``least`` columns or more."""
    if output.shape[3] >= least:
        output[..., -1] = 0
    return output


def without_columns_from_64(output: Array) -> Array:
    """Return the output with zeros in the columns from 64."""
    output[..., 64:] = 0
    return output


def added_in_float16(
    input: Array, weight: Array, bias: Array | None, stride: Argument, padding: Argument, dilation: Argument
) -> Array:
    """Return a dense convolution whose sums over the taps of the kernel are kept in float16."""
    (sh, sw), (dh, dw), (kh, kw) = pair(stride), pair(dilation), weight.shape[2:]
    ph, pw = (0, 0) if padding == "valid" else pair(padding)
    x = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    fields = sliding_window_view(x, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    total = np.zeros((len(x), len(weight), *fields.shape[2:4]), np.float16)
    for i, j in np.ndindex(kh, kw):
        total += np.tensordot(weight[:, :, i, j], fields[..., i, j], axes=(1, 1)).swapaxes(0, 1).astype(np.float16)
    output = total.astype(input.dtype)
    return output if bias is None else output + bias[:, None, None]
