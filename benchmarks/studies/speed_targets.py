"""How fast is each implementation for its kind? Every target beside what it comes to, in one command.

    python benchmarks/studies/speed_targets.py [--budget 300] [--threads 1] [--output RUN.jsonl]

Each figure is the geometric mean of the ratios of times to torch_conv2d, from races over the layers that it is about
(preparing is not counted), and its interval; memory is the most that one call takes beside its output. Needs the extras
torch and numba. The budget, in seconds, is shared out by layers; processes take some 20 s more. Exit status: 0 where
all are reached.
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
from convgauge.problem import Problem
from convgauge.race import standings as summary
from convgauge.race.benchmark import Bench
from convgauge.registry import builtins, resolve
from convgauge.results import TimingRecord

Among = Callable[[Problem], bool]


def every(problem: Problem) -> bool:
    return True


def depthwise(problem: Problem) -> bool:
    return problem.groups == problem.in_channels > 1


def for_winograd(problem: Problem) -> bool:
    return problem.kernel == (3, 3) and problem.stride == (1, 1) and problem.in_channels >= 64 and problem.groups == 1


def large_and_thin(problem: Problem) -> bool:
    """A kernel of 15 or more, depthwise or of few channels: nothing for a matrix product."""
    return max(problem.kernel) >= 15 and problem.in_channels // problem.groups <= 8


@dataclass(frozen=True)
class Target:
    """``most`` bounds the mean ratio of the best of ``names`` over the layers of a set that are ``among`` them."""

    names: tuple[str, ...]
    layers: str
    among: Among
    about: str
    most: float


NUMPY_ONLY = ("numpy_im2col", "numpy_windows", "numpy_kn2row", "numpy_mec")

TARGETS = [
    Target(NUMPY_ONLY, "resnet50", every, "every layer", 1.10),
    Target(("torch_unfold",), "resnet50", every, "every layer", 2.5),
    Target(("torch_winograd_4x3",), "resnet50", for_winograd, "3×3, stride 1, 64 channels or more", 1.5),
    Target(("numba_direct",), "resnet50", every, "every layer", 2.0),
    Target(("numba_depthwise",), "mobilenet_v2", depthwise, "depthwise", 1.0),
    Target(("torch_fft_tiled",), "large_kernels", large_and_thin, "15 and more, depthwise or few channels", 0.25),
]

SECONDS = {"resnet50": 7.5, "mobilenet_v2": 5.0, "large_kernels": 8.0}
"""For a layer of each set, of a budget of 300: more where many race or calls are long."""

MEMORY = 4.0
"""What one call of torch_fft_tiled may take beside its output, in sizes of the input and the output together."""


def main() -> int:
    options = _options()
    writer = results.Writer(Path(options.output), results.header(seed=options.seed)) if options.output else None
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
    """The records of one race a layer set, by the set's name: all who have a target on it, and the baseline."""
    wanted = {name: list(_problems(name)) for name in dict.fromkeys(target.layers for target in TARGETS)}
    total = sum(SECONDS[name] * len(problems) for name, problems in wanted.items())
    found = {}
    for name, problems in wanted.items():
        entrants = [entrant for target in TARGETS if target.layers == name for entrant in target.names]
        origins = [origin for entrant in entrants for origin in resolve(entrant)]
        budget = options.budget * SECONDS[name] * len(problems) / total
        console = Console(stderr=True, quiet=not sys.stderr.isatty())
        bench = Bench(
            origins, race.DEFAULT_BASELINE, ",".join(problems), budget, [options.threads], options.seed, writer, console
        )
        bench.run()
        found[name] = bench.records
    return found


def _problems(layers: str) -> Iterator[str]:
    """The problems of a set that any target is about."""
    for layer in load(layers).layers:
        if any(target.layers == layers and target.among(layer.problem) for target in TARGETS):
            yield layer.problem.text


def _show(found: dict[str, list[TimingRecord]], threads: int) -> int:
    grid = Table("implementation", "layers", "ranked", "ratio to torch_conv2d", "target", "reached")
    missed = 0
    for target in TARGETS:
        records = [one for one in found[target.layers] if target.among(Problem.parse(one.problem))]
        best = _best(records, target.names)
        about = f"{target.layers}: {target.about}"
        if best is None or best.mean_ratio is None:
            missed += 1
            grid.add_row(", ".join(target.names), about, "0", _why(records, target.names), f"≤ {target.most:.2f}", "no")
            continue
        reached = best.complete and best.mean_ratio <= target.most
        missed += not reached
        interval = f" [{best.low:.3g}, {best.high:.3g}]" if best.low and best.high else ""
        ratio, ranked = f"{best.mean_ratio:.3g}{interval}", f"{best.ranked} of {best.layers}"
        grid.add_row(best.implementation, about, ranked, ratio, f"≤ {target.most:.2f}", "yes" if reached else "no")
    memory = _memory(found["large_kernels"])
    within = memory is not None and memory <= MEMORY
    shown = "not known here" if memory is None else f"{memory:.2f} × (input + output), at most"
    grid.add_row(
        "torch_fft_tiled", "the same: memory of a call", "", shown, f"≤ {MEMORY:.2f}", "yes" if within else "no"
    )
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(grid)
    console.print(f"{threads} thread{'s' * (threads > 1)}; time of run(input), preparing not counted")
    return int(missed > 0 or not within)


def _best(records: Sequence[TimingRecord], names: Sequence[str]) -> summary.Standing | None:
    """The standing of whichever of ``names`` has the least mean ratio over the most layers."""
    standings = [one for one in summary.standings(records) if one.implementation in names]
    return min(standings, key=lambda one: (-one.ranked, one.mean_ratio or math.inf), default=None)


def _why(records: Sequence[TimingRecord], names: Sequence[str]) -> str:
    """Why nothing is ranked: the first reason there is, or what is missing."""
    reasons = [one.reason for one in records if one.implementation in names and one.reason]
    absent = [origin.absent for name, origin in builtins().items() if name in names and origin.absent]
    return next(iter([*absent, *reasons]), "no reason was given")


def _memory(records: Sequence[TimingRecord]) -> float | None:
    """The most bytes that a call took beside its output, over those of input and output; None where not known."""
    shares = []
    for one in records:
        if one.implementation == "torch_fft_tiled" and one.peak_bytes is not None:
            problem = Problem.parse(one.problem)
            input, output = (4 * math.prod(shape) for shape in (problem.input_shape, problem.output_shape))
            shares.append(max(0, one.peak_bytes - output) / (input + output))
    return max(shares, default=None)


if __name__ == "__main__":
    sys.exit(main())
