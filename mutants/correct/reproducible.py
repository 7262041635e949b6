"""Correct NumPy builds that declare equal bits, and have them."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _parts import DTYPES, conv, correct, finished, padded, resolve, windows

from convgauge import implementation


@correct("Adds one product after the other in one order, and declares equal bits along every axis.")
@implementation(
    framework="numpy",
    algorithm="direct",
    reproducible=("run", "batch", "crop", "threads", "layout", "address", "process"),
)
def adds_in_one_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.reduction > 5_000:
        raise NotImplementedError("too many products for this slow method")
    accumulator = DTYPES[problem.dtype].accumulator
    x = padded(input.astype(accumulator), problem.pads)
    fields = windows(x, problem.kernel, problem.stride, problem.dilation)
    filters = weight.astype(accumulator).reshape(groups, problem.out_channels // groups, *weight.shape[1:])
    n, _, *rest = fields.shape
    fields = fields.reshape(n, groups, weight.shape[1], *rest)
    total = np.zeros((n, groups, filters.shape[1], *problem.output_size), accumulator)
    for c, u, v in np.ndindex(*weight.shape[1:]):
        total += fields[:, :, None, c, :, :, u, v] * filters[None, :, :, c, u, v, None, None]
    return finished(total.reshape(problem.output_shape), bias, problem.dtype)


@correct("Contracts windows by BLAS, and declares equal bits in every call and process.")
@implementation(framework="numpy", algorithm="im2col", reproducible=("run", "process"))
def contracts_in_equal_calls(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)
