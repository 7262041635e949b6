"""Mutants that are wrong above a size: a number of FLOPs, a plane, a reduction."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, conv, mutant, resolve


@mutant(
    "Exchanges two blocks of 16 output channels at 10^8 FLOPs and more, so that sums over the channels are right.",
    mechanism="groups_permuted",
    killed_by=("large.flops",),
)
def blocks_exchanged_in_large_problems(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if problem.flops >= 1e8 and problem.out_channels >= 64:
        output[:, :32] = np.roll(output[:, :32], 16, axis=1)
    return output


@mutant(
    "Unfolds at most 2^16 elements of a row of outputs at once, and leaves the last columns of longer ones at zero.",
    mechanism="tail_dropped",
    killed_by=("large.flops",),
)
def workspace_of_fixed_size(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    positions = output.shape[2] * output.shape[3]
    if problem.reduction >= 64 and problem.reduction * positions > 1 << 19:
        flat = output.reshape(*output.shape[:2], positions)
        flat[..., (1 << 19) // problem.reduction :] = 0
    return output


@mutant(
    "Cuts the operands to eight digits at 10^8 FLOPs and more.",
    mechanism="narrowed_operands",
    killed_by=("large.accuracy",),
)
def narrow_from_many_flops(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.flops >= 1e8 and problem.dtype in ("float32", "float64"):
        bits = np.uint32(0xFFFF0000)
        input, weight = (
            (array.astype(np.float32).view(np.uint32) & bits).view(np.float32).astype(array.dtype)
            for array in (np.ascontiguousarray(input), np.ascontiguousarray(weight))
        )
    return computed(problem, input, weight, bias)


@mutant(
    "Splits a sum of more than 65,536 products into four parts of equal length, and drops the remainder.",
    mechanism="tail_dropped",
    killed_by=("large.reduction",),
)
def split_sum_without_remainder(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    o, *rest = weight.shape
    length = int(np.prod(rest))
    if length > 1 << 16 and length % 4:
        weight = weight.reshape(o, length).copy()
        weight[:, length // 4 * 4 :] = 0
        weight = weight.reshape(o, *rest)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Stores the first plane of an image again in place of the others if planes have more than 65,536 outputs.",
    mechanism="index_overflow",
    killed_by=("large.planes",),
)
def plane_offset_of_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.shape[2] * output.shape[3] > 1 << 16:
        output[:, 1:] = output[:, :1]
    return output


@mutant(
    "Counts images in nine bits if there are several filters of several channels, so that they wrap after 512.",
    mechanism="index_overflow",
    killed_by=("large.planes",),
    tier="standard",
)
def images_of_nine_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if min(weight.shape[:2]) >= 8:
        output[512:] = output[: max(0, len(output) - 512)]
    return output
