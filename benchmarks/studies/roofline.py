"""What does this machine allow? The least time that each layer of a set can take, beside what it does take.

    python benchmarks/studies/roofline.py [--layers resnet50] [--threads 1] [--rounds 12]

The roofline (Williams, Waterman and Patterson 2009): no convolution that forms all products takes less than its FLOPs
at the rate of the fastest matrix product found here, nor less than its operands once at the rate at which as many bytes
can be copied here, out of whatever cache they fit in. Beside it, each as a ratio of times to torch_conv2d: the layer's
matrix products alone in NumPy, with the columns of `numpy_im2col` at hand as if unfolding cost nothing, and that
implementation itself. What lies between the last two is unfolding; nothing in NumPy comes below the former. Times are
the least of some rounds. Needs torch.
"""

from __future__ import annotations

import argparse
import functools
import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from convgauge import registry
from convgauge.auto import tuner
from convgauge.layers.sets import load
from convgauge.problem import Problem

SIDES = (512, 1024, 2048)
"""Of the square matrices whose product shows how fast this machine can multiply."""

COLUMNS_BYTES, LEAST_COLUMNS = 2**20, 256
"""Of the columns that one matrix product of NumPy works on, as in `numpy_im2col`: more bytes do not stay in a
second-level cache, fewer columns are not worth packing the filters for."""

Calls = dict[str, Callable[[], Any]]


def least(calls: Calls, rounds: int, threads: int) -> dict[str, float]:
    """Seconds of each call, the least over rounds in which all have their turn."""
    found = dict.fromkeys(calls, math.inf)
    for _ in range(rounds):
        for name, call in calls.items():
            found[name] = min(found[name], tuner.least_seconds(call, math.inf, threads, samples=2))
    return found


def peak(rounds: int, threads: int) -> float:
    """FLOP/s of the fastest square matrix product, by NumPy or torch, in float32."""
    rates = []
    for side in SIDES:
        one = torch.full((side, side), 0.5)
        calls: Calls = {
            "torch": functools.partial(torch.mm, one, one),
            "numpy": functools.partial(np.matmul, one.numpy(), one.numpy()),
        }
        rates.append(2 * side**3 / min(least(calls, rounds, threads).values()))
    return max(rates)


@functools.cache
def bandwidth(doublings: int, threads: int) -> float:
    """Bytes read and written a second by a copy of ``2**doublings`` bytes in all."""
    source = torch.full((2**doublings // 8,), 0.5)
    target = torch.empty_like(source)
    return 2.0**doublings / tuner.least_seconds(lambda: target.copy_(source), math.inf, threads, samples=8)


def bound(problem: Problem, flops: float, threads: int) -> tuple[float, str]:
    """The least seconds for a layer, and what they go to."""
    moving = problem.least_bytes / bandwidth(round(math.log2(problem.least_bytes)), threads)
    return max((problem.flops / flops, "products"), (moving, "memory"))


def products(problem: Problem) -> Callable[[], None]:
    """The matrix products of a layer in NumPy, on columns that are used again and again."""
    group = problem.groups
    pixels = math.prod(problem.output_size)
    fit = COLUMNS_BYTES // (4 * group * problem.reduction)
    matrix = problem.kernel == problem.stride == (1, 1)
    width = pixels if matrix else min(pixels, max(fit, LEAST_COLUMNS))
    filters = np.full((group, problem.out_channels // group, problem.reduction), 0.5, np.float32)
    columns = np.full((group, problem.reduction, width), 0.5, np.float32)
    output = np.empty((group, problem.out_channels // group, pixels), np.float32)

    def multiply() -> None:
        for first in range(0, pixels, width):
            some = min(width, pixels - first)
            np.matmul(filters, columns[:, :, :some], out=output[:, :, first : first + some])

    return multiply


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--layers", default="resnet50", help="a layer set (resnet50)")
    parser.add_argument("--threads", type=int, default=1, help="of every library (1)")
    parser.add_argument("--rounds", type=int, default=12, help="of which the least time counts (12)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        show(options.layers, options.threads, options.rounds)


def show(layers: str, threads: int, rounds: int) -> None:
    """Measure, and print a line a layer and the geometric means."""
    flops = peak(rounds, threads)
    implementations = {name: registry.load(registry.known()[name]) for name in (tuner.BASELINE, "numpy_im2col")}
    grid = Table("layer", "F.conv2d ms", "GFLOP/s", "roofline", "held up by", "NumPy's products", "numpy_im2col")
    ratios: list[tuple[float, float, float]] = []
    for problem in dict.fromkeys(layer.problem for layer in load(layers).layers):
        input, weight = torch.full(problem.input_shape, 0.5), torch.full(problem.weight_shape, 0.5)
        bias = torch.full((problem.out_channels,), 0.5) if problem.bias else None
        calls: Calls = {
            name: functools.partial(tuner.layer(one, problem, weight, bias), input)
            for name, one in implementations.items()
        }
        taken = least({**calls, "products": products(problem)}, rounds, threads)
        base = taken[tuner.BASELINE]
        seconds, limit = bound(problem, flops, threads)
        ratios.append((seconds / base, taken["products"] / base, taken["numpy_im2col"] / base))
        rate = problem.flops / base / 1e9
        grid.add_row(
            problem.text, f"{base * 1e3:.3f}", f"{rate:.0f}", f"{ratios[-1][0]:.2f}", limit,
            *(f"{one:.2f}" for one in ratios[-1][1:]),
        )  # fmt: skip
    means = [statistics.geometric_mean(some) for some in zip(*ratios, strict=True)]
    grid.add_section()
    grid.add_row("geometric mean", "", "", f"{means[0]:.2f}", "", *(f"{one:.2f}" for one in means[1:]))
    console = Console(width=140)
    console.print(grid)
    console.print(f"the fastest matrix product found: {flops / 1e9:.0f} GFLOP/s; {threads} thread{'s' * (threads > 1)}")


if __name__ == "__main__":
    main()
