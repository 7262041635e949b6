"""A readable convolution, and TorchInductor, which compiles it to loops."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem

Convolve = Callable[[Tensor, Tensor, "Tensor | None"], Tensor]
"""Convolution of one problem: ``convolve(input, weight, bias)``."""

# Compiling takes seconds; a call of fewer FLOPs takes a tenth of a millisecond, most of it outside of loops.
MIN_FLOPS = 2_000_000
# Each tap of a depthwise kernel becomes a term of one expression, up to 5x5; a longer one takes minutes to compile.
UNROLLED_TAPS = 25


@implementation(
    framework="torch",
    algorithm="compiled",
    source="torch.compile; Ansel et al. 2024, PyTorch 2, ASPLOS (TorchDynamo and TorchInductor)",
    declines={"compiler": "`prepare` needs a C++ compiler on a CPU"},
)
def torch_compiled(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Multiply windows by filters in plain PyTorch; `prepare` compiles these lines for the layer by torch.compile.

    Dense and grouped layers are a matrix product over windows, for which the compiler makes one loop of padding,
    unfolding and rounding, and one of the bias; depthwise ones a sum of shifted and scaled images, all in one loop.
    TorchInductor's back end for the device (C++ on a CPU) compiles layers of 2 MFLOP and more. Smaller layers and
    calls without `prepare` run the same lines eagerly, because compiling takes seconds for each shape.

    Cost: N O OH OW K products. Workspace: the padded input and the windows, N C KH KW OH OW elements; depthwise the
    padded input alone.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return _convolve(problem, input, weight, bias)


@torch_compiled.prepare
def prepare(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with its code compiled if the layer is large."""
    weight, bias = weight.clone(), None if bias is None else bias.clone()
    convolve: Convolve = functools.partial(_convolve, problem)
    if problem.flops >= MIN_FLOPS:
        with _restored_settings():
            convolve = compiled_convolution(problem)
            convolve(
                weight.new_zeros(problem.input_shape), weight, bias
            )  # compiles now, so that no later call has to wait

    def run(input: Tensor) -> Tensor:
        check_input(problem, input)
        return convolve(input.contiguous(), weight, bias)

    return run


@contextlib.contextmanager
def _restored_settings() -> Iterator[None]:
    """Undo what the compiler changes in the process: variables of the environment, filters, the recursion limit."""
    before, limit = dict(os.environ), sys.getrecursionlimit()
    with warnings.catch_warnings():
        try:
            yield
        finally:
            for name in set(os.environ) - set(before):
                del os.environ[name]
            os.environ.update(before)
            sys.setrecursionlimit(limit)


@functools.lru_cache(maxsize=256)
def compiled_convolution(problem: Problem) -> Convolve:
    """Return `_convolve` for one problem, which is compiled at its first call and shared by equal problems.

    Tracing gives each problem its own code: the compiler keeps at most eight shapes of one function.
    """
    if not any(map(shutil.which, (os.environ.get("CXX", "c++"), "g++", "clang++"))):
        raise NotImplementedError("problem to be compiled, and there is no C++ compiler: install g++ or clang++")
    traced = torch.fx.symbolic_trace(_Layer(problem))
    compiled: Convolve = torch.compile(traced, fullgraph=True, dynamic=False, options={"compile_threads": 1})
    return compiled


class _Layer(torch.nn.Module):  # type: ignore[misc] # torch has no types here
    """`_convolve` of one problem as a module, because only a module can be traced."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem

    def forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Compute the convolution."""
        return _convolve(self.problem, input, weight, bias if self.problem.bias else None)


def _convolve(problem: Problem, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    n, c, o, g, k = problem.batch, problem.in_channels, problem.out_channels, problem.groups, problem.reduction
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    (top, bottom), (left, right) = problem.pads
    padded = torch.nn.functional.pad(input.to(accumulator), (left, right, top, bottom))
    filters = weight.to(accumulator)
    if c == g and k <= UNROLLED_TAPS:
        output = _depthwise(problem, padded, filters)
    else:
        (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
        windows = padded.unfold(2, problem.extent[0], sh).unfold(3, problem.extent[1], sw)[..., ::dh, ::dw]
        columns = windows.permute(0, 1, 4, 5, 2, 3).reshape(n, g, k, oh * ow)
        output = (filters.reshape(g, o // g, k) @ columns).reshape(problem.output_shape)
    if bias is not None:
        output = output + bias.to(accumulator)[:, None, None]
    return output.to(input.dtype).contiguous()


def _depthwise(problem: Problem, padded: Tensor, filters: Tensor) -> Tensor:
    """Sum the shifted images times one number per channel, over the elements of the kernel."""
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    (top, bottom), (left, right) = problem.pads
    # given strides let the compiler write the padded image once instead of testing each tap for being inside
    size = (problem.batch, problem.in_channels, top + problem.height + bottom, left + problem.width + right)
    padded = padded.contiguous().as_strided(size, (math.prod(size[1:]), math.prod(size[2:]), size[3], 1))
    images = padded.repeat_interleave(problem.out_channels // problem.groups, dim=1)

    def product(i: int, j: int) -> Tensor:
        shifted = images[:, :, i * dh :, j * dw :][:, :, : (oh - 1) * sh + 1 : sh, : (ow - 1) * sw + 1 : sw]
        return filters[:, 0, i, j, None, None] * shifted

    return sum(product(i, j) for i in range(problem.kernel[0]) for j in range(problem.kernel[1]))
