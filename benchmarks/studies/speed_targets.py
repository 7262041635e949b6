"""Targets of speed and memory beside the measured figures, for each kind of implementation.

    python benchmarks/studies/speed_targets.py [--budget 300] [--threads 1] [--output RUN.jsonl]

Each figure is the geometric mean of the ratios of times to torch_conv2d, with its interval, from races over the layers
of the target; preparing does not count. Memory is the most that one call takes beside its output. Needs the extras
torch and numba. The budget, in seconds, is divided among the layers; processes take about 20 s more. Exit status 0 if
all targets are reached.

Figure, two shared cores of an Intel Xeon with AMX, PyTorch 2.13, one thread (two threads): numpy_im2col 1.14 (1.03),
torch_unfold 1.52 (1.34), torch_winograd_4x3 1.19 (1.52), numba_direct 1.60 (1.38), numba_depthwise 0.518 (0.358),
torch_fft_tiled 0.157 (0.301) with 3.19 (3.32) times input and output as memory. Missed: numpy_im2col at one thread,
torch_winograd_4x3 and torch_fft_tiled at two. The documentation quotes one of them: docs/algorithms.md, "im2col".
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from convgauge import race, results
from convgauge.layers.sets import load
from convgauge.problem import LARGE_KERNEL, Problem
from convgauge.race.benchmark import Benchmark
from convgauge.race.standings import Standing, standings
from convgauge.registry import builtins, resolve_all
from convgauge.request import BenchRequest
from convgauge.results import TimingRecord

Predicate = Callable[[Problem], bool]


def is_any(problem: Problem) -> bool:
    """Return True."""
    return True


def is_depthwise(problem: Problem) -> bool:
    """Return True if each channel has filters of its own."""
    return problem.kind == "depthwise"


def suits_winograd(problem: Problem) -> bool:
    """Return True for dense 3x3 kernels of stride 1 on 64 channels or more."""
    return problem.kind == "3×3" and problem.in_channels >= 64


def suits_fft(problem: Problem) -> bool:
    """Return True for kernels of 15 or more on few channels per group, where a matrix product is slow."""
    return max(problem.kernel) >= LARGE_KERNEL and problem.in_channels // problem.groups <= 8


@dataclass(frozen=True)
class Target:
    """Bound on the mean ratio of the best of ``names`` over the concerned layers of a set."""

    names: tuple[str, ...]
    layers: str
    is_concerned: Predicate
    about: str
    max_ratio: float


NUMPY_ONLY = ("numpy_im2col", "numpy_windows", "numpy_kn2row", "numpy_mec")

TARGETS = [
    Target(NUMPY_ONLY, "resnet50", is_any, "every layer", 1.10),
    Target(("torch_unfold",), "resnet50", is_any, "every layer", 2.5),
    Target(("torch_winograd_4x3",), "resnet50", suits_winograd, "3×3, stride 1, 64 channels or more", 1.5),
    Target(("numba_direct",), "resnet50", is_any, "every layer", 2.0),
    Target(("numba_depthwise",), "mobilenet_v2", is_depthwise, "depthwise", 1.0),
    Target(("torch_fft_tiled",), "large_kernels", suits_fft, "15 and more, depthwise or few channels", 0.25),
]

LAYER_SECONDS = {"resnet50": 7.5, "mobilenet_v2": 5.0, "large_kernels": 8.0}
"""Seconds per layer of each set, of a budget of 300: more for sets with many implementations or long calls."""

MAX_MEMORY = 4.0
"""Bound on the memory of a call of torch_fft_tiled beside its output, in sizes of input and output together."""


def main() -> int:
    """Run the study as a command; return its exit status."""
    options = _options()
    writer = results.Writer(Path(options.output), results.new_header(seed=options.seed)) if options.output else None
    started, status = time.monotonic(), 3
    try:
        records = _race(options, writer)
        status = _show(records, options.threads)
    except race.BenchError as error:
        print(f"speed_targets: {error}", file=sys.stderr)
    finally:
        if writer is not None:
            writer.write(results.Footer({}, round(time.monotonic() - started, 3), 0, status))
            writer.close()
    return status


def _options() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--budget", type=float, default=300.0, metavar="S", help="seconds for all races (300)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of every engine (1)")
    parser.add_argument("--seed", type=int, default=0, help="seed of operands and schedule (0)")
    parser.add_argument("--output", default="", metavar="RUN.jsonl", help="write the run here")
    return parser.parse_args()


def _race(options: argparse.Namespace, writer: results.Writer | None) -> dict[str, list[TimingRecord]]:
    """Return the records of one race per layer set: the implementations with a target on it, and the baseline."""
    wanted = {name: list(_problems(name)) for name in dict.fromkeys(target.layers for target in TARGETS)}
    total = sum(LAYER_SECONDS[name] * len(problems) for name, problems in wanted.items())
    records = {}
    for name, problems in wanted.items():
        entrants = [entrant for target in TARGETS if target.layers == name for entrant in target.names]
        budget = options.budget * LAYER_SECONDS[name] * len(problems) / total
        console = Console(stderr=True, quiet=not sys.stderr.isatty())
        request = BenchRequest(
            targets=tuple(entrants),
            layers=",".join(problems),
            budget_s=budget,
            threads=(options.threads,),
            seed=options.seed,
        )
        benchmark = Benchmark(request, resolve_all(entrants), console, writer)
        benchmark.run()
        records[name] = benchmark.records
    return records


def _problems(layers: str) -> Iterator[str]:
    """Yield the problems of a set that concern any target."""
    for layer in load(layers).layers:
        if any(target.layers == layers and target.is_concerned(layer.problem) for target in TARGETS):
            yield layer.problem.text


def _show(by_set: dict[str, list[TimingRecord]], threads: int) -> int:
    """Print the targets beside the figures; return 1 if any target is missed."""
    grid = Table("implementation", "layers", "ranked", "ratio to torch_conv2d", "target", "reached")
    missed = 0
    for target in TARGETS:
        records = [record for record in by_set[target.layers] if target.is_concerned(Problem.parse(record.problem))]
        best = _best(records, target.names)
        about = f"{target.layers}: {target.about}"
        if best is None or best.mean_ratio is None:
            missed += 1
            grid.add_row(
                ", ".join(target.names), about, "0", _why(records, target.names), f"≤ {target.max_ratio:.2f}", "no"
            )
            continue
        reached = best.complete and best.mean_ratio <= target.max_ratio
        missed += not reached
        interval = f" [{best.low:.3g}, {best.high:.3g}]" if best.low and best.high else ""
        ratio, ranked = f"{best.mean_ratio:.3g}{interval}", f"{best.ranked} of {best.layers}"
        grid.add_row(best.implementation, about, ranked, ratio, f"≤ {target.max_ratio:.2f}", "yes" if reached else "no")
    memory = _memory(by_set["large_kernels"])
    within = memory is not None and memory <= MAX_MEMORY
    shown = "not measured here" if memory is None else f"{memory:.2f} × (input + output), at most"
    grid.add_row(
        "torch_fft_tiled", "the same: memory of a call", "", shown, f"≤ {MAX_MEMORY:.2f}", "yes" if within else "no"
    )
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(grid)
    console.print(f"{threads} thread{'s' * (threads > 1)}; time of run(input), preparing not counted")
    return int(missed > 0 or not within)


def _best(records: Sequence[TimingRecord], names: Sequence[str]) -> Standing | None:
    """Return the standing of the one of ``names`` with the least mean ratio over the most layers."""
    entries = [standing for standing in standings(records) if standing.implementation in names]
    return min(entries, key=lambda standing: (-standing.ranked, standing.mean_ratio or math.inf), default=None)


def _why(records: Sequence[TimingRecord], names: Sequence[str]) -> str:
    """Return the first reason why none of ``names`` is ranked: a missing package or a reason from the race."""
    reasons = [record.reason for record in records if record.implementation in names and record.reason]
    absent = [origin.absent for name, origin in builtins().items() if name in names and origin.absent]
    return next(iter([*absent, *reasons]), "no reason recorded")


def _memory(records: Sequence[TimingRecord]) -> float | None:
    """Return the most memory of a call beside its output, in sizes of input and output, or None if not measured."""
    shares = []
    for record in records:
        if record.implementation == "torch_fft_tiled" and record.peak_bytes is not None:
            problem = Problem.parse(record.problem)
            input, output = (4 * math.prod(shape) for shape in (problem.input_shape, problem.output_shape))
            shares.append(max(0, record.peak_bytes - output) / (input + output))
    return max(shares, default=None)


if __name__ == "__main__":
    sys.exit(main())
