"""Mutants that compute in, or return, another dtype, and those that mistreat integers and complex numbers."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from typing import Any

import numpy as np
from _base import Array, computed, conv, mutant, resolve
from numpy.typing import DTypeLike


def in_dtype(dtype: DTypeLike, input: Array, weight: Array, bias: Array | None) -> tuple[Any, Any, Any]:
    """Return the operands in another dtype."""
    return input.astype(dtype), weight.astype(dtype), None if bias is None else bias.astype(dtype)


@mutant("Returns float32 for every dtype.", mechanism="wrong_dtype", killed_by=("dtype.half_accumulates_in_float32",))
def always_float32(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups).astype(np.float32)


@mutant(
    "Pads into an array of NumPy's default dtype and returns float64 for every dtype, complex ones included.",
    mechanism="wrong_dtype",
    killed_by=("random.complex",),
)
def zeros_of_default_dtype(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)), (n, c, h, w) = problem.pads, input.shape
    room = np.zeros((n, c, h + top + bottom, w + left + right))
    room[:, :, top : top + h, left : left + w] = input
    return computed(problem.replace(padding=(0, 0), height=room.shape[2], width=room.shape[3], dtype="float64"),
                    room, weight, bias)  # fmt: skip


@mutant(
    "Returns float32 for float16 operands.",
    mechanism="wrong_dtype",
    killed_by=("dtype.half_accumulates_in_float32", "dtype.kept"),
)
def half_comes_out_single(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float16:
        wide = None if bias is None else bias.astype("f4")
        return conv(input.astype("f4"), weight.astype("f4"), wide, stride, padding, dilation, groups)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Returns the output in foreign byte order.",
    mechanism="wrong_dtype",
    killed_by=("accuracy.large_problem", "behaviour.fresh_output", "definition.delta"),
)
def output_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output.astype(output.dtype.newbyteorder())


@mutant(
    "Narrows mixed dtypes to the input's without an error.",
    mechanism="narrowed_operands",
    killed_by=("errors.mixed_dtypes",),
)
def mixed_dtypes_narrowed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    bias = None if bias is None else bias.astype(input.dtype)
    return conv(input, weight.astype(input.dtype), bias, stride, padding, dilation, groups)


@mutant(
    "Computes integers in float32, so that sums above 2^24 lose their last digits.",
    mechanism="narrow_accumulator",
    killed_by=("adversarial.integer.unlike",),
)
def integers_in_float32(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype.kind not in "iu":
        return conv(input, weight, bias, stride, padding, dilation, groups)
    wide = None if bias is None else bias.astype("f4")
    answer = conv(input.astype("f4"), weight.astype("f4"), wide, stride, padding, dilation, groups)
    return answer.astype(input.dtype)


@mutant(
    "Computes int32 problems of more than a million products in float32.",
    mechanism="narrow_accumulator",
    killed_by=("adversarial.integer",),
)
def many_products_in_float(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype == np.int32 and p.flops > 2_000_000:
        return conv(*in_dtype(np.float32, input, weight, bias), stride, padding, dilation, groups).astype(np.int32)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Computes integers in float32 if the strides differ, the batch is even and the kernel has four or more rows.",
    mechanism="narrow_accumulator",
    killed_by=("random.integers",),
    tier="standard",
    advised_by=("dtype.integer",),
)
def some_integers_in_float(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype.kind == "i" and p.stride[0] != p.stride[1] and p.batch % 2 == 0 and p.kernel[0] > 3:
        return conv(*in_dtype(np.float32, input, weight, bias), stride, padding, dilation, groups).astype(input.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Saturates int16 sums instead of wrapping them.",
    mechanism="narrow_accumulator",
    killed_by=("adversarial.integer.wraps",),
)
def saturated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.int16:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    output = conv(*in_dtype(np.int64, input, weight, bias), stride, padding, dilation, groups)
    return np.clip(output, -(2**15), 2**15 - 1).astype(np.int16)


@mutant(
    "Keeps only the lower 32 bits of int64 weights.",
    mechanism="narrowed_operands",
    killed_by=("adversarial.integer.unlike",),
)
def low_half_of_the_weights(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.dtype == np.int64:
        weight = weight.astype(np.int32).astype(np.int64)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Conjugates complex weights, as numpy.correlate does.",
    mechanism="sign_lost",
    killed_by=("adversarial.complex",),
    advised_by=("dtype.complex",),
)
def complex_weight_conjugated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, np.conj(weight), bias, stride, padding, dilation, groups)


@mutant(
    "Conjugates complex weights if there are groups.",
    mechanism="sign_lost",
    killed_by=("adversarial.complex", "random.complex"),
)
def grouped_and_conjugated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight.conj() if groups > 1 else weight, bias, stride, padding, dilation, groups)


@mutant("Drops the imaginary part of complex weights.", mechanism="sign_lost", killed_by=("adversarial.complex",))
def imaginary_part_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype.kind == "c":
        weight = weight.real.astype(weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)
