"""Mutants that declare equal bits along an axis, and add in an order that depends on what varies along it."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import os

import numpy as np
from _base import mutant, resolve
from _partial_sums import added, partial_sums

from convgauge import implementation

_random = np.random.default_rng(int.from_bytes(os.urandom(8), "little"))
_keys = _random.random(1 << 16)


@mutant(
    "Adds partial sums in the order in which they happen to be ready, and declares equal runs.",
    mechanism="nondeterministic",
    also=("false_declaration",),  # it declares equal runs
    killed_by=("reproducible.run",),
)
@implementation(framework="numpy", algorithm="direct", reproducible=("run",))
def adds_in_random_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    parts = partial_sums(problem, input, weight)
    return added([parts[index] for index in _random.permutation(len(parts))], bias, problem.dtype)


@mutant(
    "Chooses the size of its blocks by the number of images, and declares equal bits in any batch.",
    mechanism="false_declaration",
    killed_by=("reproducible.batch",),
)
@implementation(framework="numpy", algorithm="direct", reproducible=("batch",))
def blocks_by_batch(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    parts = partial_sums(problem, input, weight, channels=3 if problem.batch > 8 else 8)
    return added(parts if problem.batch > 8 else parts[::-1], bias, problem.dtype)


@mutant(
    "Adds in another order if the width of the output is no multiple of a vector, and declares equal crops.",
    mechanism="false_declaration",
    killed_by=("reproducible.crop",),
)
@implementation(framework="numpy", algorithm="direct", reproducible=("crop",))
def vectors_by_width(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    parts = partial_sums(problem, input, weight)
    return added(parts[::-1] if problem.output_size[1] % 2 else parts, bias, problem.dtype)


@mutant(
    "Divides the channels among the threads and adds one sum per thread, and declares equal bits for any number.",
    mechanism="false_declaration",
    framework="torch",
    killed_by=("reproducible.threads",),
)
@implementation(framework="torch", algorithm="direct", dtypes=("float32", "float64"), reproducible=("threads",))
def sums_per_thread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    import torch

    count = min(torch.get_num_threads(), weight.shape[1])
    if groups != 1 or count < 2:
        return torch.nn.functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
    total = None
    for channels, filters in zip(input.tensor_split(count, 1), weight.tensor_split(count, 1), strict=True):
        part = torch.nn.functional.conv2d(channels, filters, None, stride, padding, dilation)
        total = part if total is None else total + part
    return total if bias is None else total + bias[:, None, None]


@mutant(
    "Adds in the order of memory, and declares equal bits for any layout.",
    mechanism="false_declaration",
    killed_by=("reproducible.layout",),
)
@implementation(framework="numpy", algorithm="direct", reproducible=("layout",))
def adds_in_order_of_memory(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    parts = partial_sums(problem, input, weight)
    return added(parts if input.flags.c_contiguous else parts[::-1], bias, problem.dtype)


@mutant(
    "Peels products until the input is aligned, and declares equal bits for any address.",
    mechanism="false_declaration",
    killed_by=("reproducible.address",),
)
@implementation(framework="numpy", algorithm="direct", reproducible=("address",))
def peels_until_aligned(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    parts = partial_sums(problem, input, weight)
    peeled = input.ctypes.data % 64 // max(1, input.itemsize) % len(parts)
    return added([*parts[peeled:], *parts[:peeled]], bias, problem.dtype)


@mutant(
    "Adds in an order that it draws when it is imported, and declares equal processes.",
    mechanism="false_declaration",
    killed_by=("reproducible.process",),
)
@implementation(framework="numpy", algorithm="direct", reproducible=("process",))
def order_drawn_at_import(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    parts = partial_sums(problem, input, weight)
    return added([parts[index] for index in np.argsort(_keys[: len(parts)])], bias, problem.dtype)
