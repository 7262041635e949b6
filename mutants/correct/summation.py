"""Correct NumPy builds that add the products in an unusual order or precision."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import math

import numpy as np
from _parts import DTYPES, computed, contracted, conv, correct, finished, padded, resolve, windows

from convgauge import implementation


@correct("Contracts windows with the filters; this is the base that the faults are planted in.")
def base(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


def terms(problem, input, weight):
    """Return the products (N, O, OH, OW, K) of every output in the accumulator's dtype."""
    accumulator = DTYPES[problem.dtype].accumulator
    x = padded(input.astype(accumulator), problem.pads)
    fields = windows(x, problem.kernel, problem.stride, problem.dilation)
    n, _, oh, ow = fields.shape[:4]
    parts = []
    for filters, group_fields in zip(
        np.split(weight.astype(accumulator), problem.groups), np.split(fields, problem.groups, 1), strict=True
    ):
        columns = group_fields.transpose(0, 2, 3, 1, 4, 5).reshape(n, 1, oh, ow, problem.reduction)
        parts.append(columns * filters.reshape(1, len(filters), 1, 1, problem.reduction))
    return np.concatenate(parts, axis=1)


def refuse_large(problem):
    """Raise NotImplementedError for problems that take these slow methods long."""
    if problem.flops > 3_000_000:
        raise NotImplementedError("too large for this slow method")


@correct("Adds the products from the last to the first.")
def added_backwards(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    refuse_large(problem)
    total = np.zeros(problem.output_shape, DTYPES[problem.dtype].accumulator)
    products = terms(problem, input, weight)
    for k in reversed(range(problem.reduction)):
        total = total + products[..., k]
    return finished(total, bias, problem.dtype)


@correct("Adds the products pairwise, as a tree.")
def added_pairwise(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    refuse_large(problem)
    products = terms(problem, input, weight)
    while products.shape[-1] > 1:
        if products.shape[-1] % 2:
            products = np.concatenate([products, np.zeros_like(products[..., :1])], axis=-1)
        products = products[..., ::2] + products[..., 1::2]
    total = products[..., 0] if products.shape[-1] else np.zeros(problem.output_shape, products.dtype)
    return finished(total, bias, problem.dtype)


@correct("Adds the products with Kahan's compensation.")
def added_by_kahan(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    refuse_large(problem)
    if input.dtype.kind == "i" or not all(array is None or np.isfinite(array).all() for array in (input, weight, bias)):
        return computed(problem, input, weight, bias)
    products = terms(problem, input, weight)
    total = np.zeros(problem.output_shape, products.dtype)
    lost = np.zeros_like(total)
    with np.errstate(all="ignore"):
        for k in range(problem.reduction):
            y = products[..., k] - lost
            new = total + y
            lost = (new - total) - y
            lost[~np.isfinite(lost)] = 0
            total = new
    return finished(total, bias, problem.dtype)


@correct("Adds in the widest dtype and rounds once.")
def added_in_double(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype.kind != "f":
        return computed(problem, input, weight, bias)
    wide = "longdouble" if problem.dtype == "float64" else "float64"
    fields = windows(padded(input.astype(wide), problem.pads), problem.kernel, problem.stride, problem.dilation)
    with np.errstate(over="ignore"):
        return finished(contracted(fields, weight.astype(wide), groups), bias, problem.dtype)


@correct("Splits the reduction into blocks of 32 products and adds their sums last.")
def added_in_blocks(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    refuse_large(problem)
    products = terms(problem, input, weight)
    total = np.zeros(problem.output_shape, products.dtype)
    for start in range(0, problem.reduction, 32):
        total = total + products[..., start : start + 32].sum(axis=-1)
    return finished(total, bias, problem.dtype)


@correct("Starts the accumulator with the bias.")
def begun_with_the_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    refuse_large(problem)
    total = np.zeros(problem.output_shape, DTYPES[problem.dtype].accumulator)
    if bias is not None:
        total += bias[:, None, None]
    products = terms(problem, input, weight)
    for k in range(problem.reduction):
        total += products[..., k]
    return total.astype(problem.dtype)


@correct("Rounds the sum before it adds the bias.")
def bias_after_rounding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    resolve(input, weight, bias, stride, padding, dilation, groups)
    return output if bias is None else output + bias.astype(bias.dtype.newbyteorder("="))[:, None, None]


@correct("Adds the products by correctly rounded sums, more accurately than asked.")
def correctly_rounded(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    finite = all(array is None or np.isfinite(array).all() for array in (input, weight, bias))
    if problem.flops > 30_000 or input.dtype not in (np.float32, np.float16) or not finite:
        return computed(problem, input, weight, bias)
    products = terms(problem, input.astype("f8").astype(problem.dtype), weight).astype("f8")
    products = terms(problem.replace(dtype="float64"), input.astype("f8"), weight.astype("f8"))
    add = np.zeros(problem.out_channels) if bias is None else bias.astype("f8")
    total = np.empty(problem.output_shape)
    for index in np.ndindex(*problem.output_shape):
        total[index] = math.fsum([*products[index].tolist(), float(add[index[1]])])
    with np.errstate(over="ignore"):
        return total.astype(problem.dtype)


@correct("Declares grade C and rounds the operands to TF32's ten bits of fraction.")
@implementation(framework="numpy", algorithm="direct", grade="C", dtypes=("float32",))
def tf32_declared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Round the operands to TF32."""
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype != np.float32:
        raise NotImplementedError("float32 only")

    def rounded(values):
        native = np.ascontiguousarray(values, dtype=np.float32)
        bits = (native.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
        return np.where(np.isfinite(native), bits.view(np.float32), native)

    return computed(problem, rounded(input), rounded(weight), bias)


@correct("Declares grade B and reaches grade A.", advised_by=("accuracy.contract",))
@implementation(framework="numpy", algorithm="direct", grade="B")
def declares_a_lower_grade(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)
