"""Least time that the machine allows for each layer of a set, beside the measured times.

    python benchmarks/studies/roofline.py [--layers resnet50] [--threads 1] [--rounds 12]

The roofline (Williams, Waterman and Patterson 2009): no convolution that forms all products takes less than its FLOPs
at the rate of the fastest matrix product measured here, nor less than one pass over its operands at the rate at which
the same number of bytes is copied here, from the cache that holds them. Beside this bound the study prints two ratios
of times to torch_conv2d: the layer's matrix products alone in NumPy, with the columns of `numpy_im2col` ready as if
unfolding cost nothing, and that implementation itself. The difference of the two is the cost of unfolding; no
implementation in NumPy is faster than the products. Times are the least of several rounds. Needs torch.

Figure, ResNet-50's layers, one thread, Intel Xeon with AMX, PyTorch 2.13: NumPy's products alone take 1.01 of
torch_conv2d's time (geometric mean), numpy_im2col takes 1.14. Quoted in docs/algorithms.md, "im2col".
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
from convgauge.auto.candidates import BASELINE, prepared_call
from convgauge.auto.stopwatch import Stopwatch
from convgauge.layers.sets import load
from convgauge.problem import Problem

SIDES = (512, 1024, 2048)
"""Sides of the square matrices whose products give the machine's rate of multiplication."""

COLUMNS_BYTES, MIN_COLUMNS = 2**20, 256
"""Bytes and least number of the columns of one matrix product, as in `numpy_im2col`. More bytes do not stay in a
second-level cache; with fewer columns, packing the filters costs more than it saves."""

Calls = dict[str, Callable[[], Any]]


def least_times(calls: Calls, rounds: int, threads: int) -> dict[str, float]:
    """Return the least seconds of each call over rounds in which each call has one turn."""
    seconds = dict.fromkeys(calls, math.inf)
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name] = min(seconds[name], Stopwatch(threads).least_seconds(call, samples=2))
    return seconds


def peak(rounds: int, threads: int) -> float:
    """Return the FLOP/s of the fastest square matrix product in float32, by NumPy or torch."""
    rates = []
    for side in SIDES:
        matrix = torch.full((side, side), 0.5)
        calls: Calls = {
            "torch": functools.partial(torch.mm, matrix, matrix),
            "numpy": functools.partial(np.matmul, matrix.numpy(), matrix.numpy()),
        }
        rates.append(2 * side**3 / min(least_times(calls, rounds, threads).values()))
    return max(rates)


@functools.cache
def bandwidth(doublings: int, threads: int) -> float:
    """Return the bytes per second of a copy that reads and writes ``2**doublings`` bytes together."""
    source = torch.full((2**doublings // 8,), 0.5)
    target = torch.empty_like(source)
    return 2.0**doublings / Stopwatch(threads).least_seconds(lambda: target.copy_(source), samples=8)


def bound(problem: Problem, flops: float, threads: int) -> tuple[float, str]:
    """Return the least seconds for a layer and the resource that sets them: "products" or "memory"."""
    moving = problem.least_bytes / bandwidth(round(math.log2(problem.least_bytes)), threads)
    return max((problem.flops / flops, "products"), (moving, "memory"))


def products(problem: Problem) -> Callable[[], None]:
    """Return a call of a layer's matrix products in NumPy; the same columns serve every product."""
    group = problem.groups
    pixels = math.prod(problem.output_size)
    fit = COLUMNS_BYTES // (4 * group * problem.reduction)
    matrix = problem.kernel == problem.stride == (1, 1)
    width = pixels if matrix else min(pixels, max(fit, MIN_COLUMNS))
    filters = np.full((group, problem.out_channels // group, problem.reduction), 0.5, np.float32)
    columns = np.full((group, problem.reduction, width), 0.5, np.float32)
    output = np.empty((group, problem.out_channels // group, pixels), np.float32)

    def multiply() -> None:
        for first in range(0, pixels, width):
            count = min(width, pixels - first)
            np.matmul(filters, columns[:, :, :count], out=output[:, :, first : first + count])

    return multiply


def main() -> None:
    """Run the study as a command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--layers", default="resnet50", help="a layer set (resnet50)")
    parser.add_argument("--threads", type=int, default=1, help="threads of every library (1)")
    parser.add_argument("--rounds", type=int, default=12, help="rounds, of which the least time counts (12)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        show(options.layers, options.threads, options.rounds)


def show(layers: str, threads: int, rounds: int) -> None:
    """Measure the layers of a set and print one line per layer and the geometric means."""
    flops = peak(rounds, threads)
    implementations = {name: registry.load(registry.known()[name]) for name in (BASELINE, "numpy_im2col")}
    grid = Table("layer", "F.conv2d ms", "GFLOP/s", "roofline", "limited by", "NumPy's products", "numpy_im2col")
    ratios: list[tuple[float, float, float]] = []
    for problem in dict.fromkeys(layer.problem for layer in load(layers).layers):
        input, weight = torch.full(problem.input_shape, 0.5), torch.full(problem.weight_shape, 0.5)
        bias = torch.full((problem.out_channels,), 0.5) if problem.bias else None
        calls: Calls = {
            name: functools.partial(prepared_call(implementation, problem, weight, bias), input)
            for name, implementation in implementations.items()
        }
        taken = least_times({**calls, "products": products(problem)}, rounds, threads)
        base = taken[BASELINE]
        seconds, limit = bound(problem, flops, threads)
        ratios.append((seconds / base, taken["products"] / base, taken["numpy_im2col"] / base))
        rate = problem.flops / base / 1e9
        grid.add_row(
            problem.text, f"{base * 1e3:.3f}", f"{rate:.0f}", f"{ratios[-1][0]:.2f}", limit,
            *(f"{ratio:.2f}" for ratio in ratios[-1][1:]),
        )  # fmt: skip
    means = [statistics.geometric_mean(column) for column in zip(*ratios, strict=True)]
    grid.add_section()
    grid.add_row("geometric mean", "", "", f"{means[0]:.2f}", "", *(f"{mean:.2f}" for mean in means[1:]))
    console = Console(width=140)
    console.print(grid)
    console.print(f"the fastest matrix product: {flops / 1e9:.0f} GFLOP/s; {threads} thread{'s' * (threads > 1)}")


if __name__ == "__main__":
    main()
