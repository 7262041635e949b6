"""Coverage of the race's intervals: how often they hold ratios that are known, and what other schedules measure.

    python benchmarks/studies/coverage.py [--busy] [--seconds 10] [--layers 23] [--known 18] [--slower 20]
        [--sequential]

- Equal kernels: F.conv2d under five names, on each layer of ResNet-50. Every ratio is 1.
- Known ratios: a kernel that calls F.conv2d a hundred times against those with 1, 2, 5 and 10 calls more, and one with
  as many, in races with different seeds.
- Power: races of the kernel with 2 % more work alone. Each of them should be called slower.
- With ``--sequential``: the same equal kernels by pytest-benchmark and torch.utils.benchmark, one kernel after the
  other, for the same wall time.

``--busy`` keeps one core busy with another program meanwhile. Needs torch, and no other load. Prints tables; takes
(layers + known) x seconds, slower x 20 s, and as long as the layers again for each other schedule.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from convgauge.environment import thread_environment
from convgauge.layers.sets import load
from convgauge.race.benchmark import Benchmark, default_budget
from convgauge.registry import Origin
from convgauge.request import BenchRequest
from convgauge.results import TimingRecord

KERNELS = Path(__file__).with_name("kernels_of_known_ratio.py")
EQUAL = ("first", "second", "third", "fourth", "fifth")
KNOWN = {
    "hundred": 1.0,
    "hundred_again": 1.0,
    "percent_1": 1.01,
    "percent_2": 1.02,
    "percent_5": 1.05,
    "percent_10": 1.1,
}
SMALL_LAYERS = (
    "n1c32h14w14_o32k3x3_s1x1_p1x1_d1x1_g1_float32",
    "n1c64h14w14_o64k1x1_s1x1_p0x0_d1x1_g1_float32",
    "n1c64h28w28_o64k3x3_s2x2_p1x1_d1x1_g64_float32",
)
"""Problems small enough for a hundred calls in a sample: products, a pointwise and a depthwise convolution."""

SEQUENTIAL = """
import json, sys, time
import torch, torch.utils.benchmark
sys.path.insert(0, {folder!r})
import kernels_of_known_ratio as kernels
torch.set_num_threads(1)
ratios = []
for text in {problems!r}:
    from convgauge.problem import Problem
    problem = Problem.parse(text)
    input, weight = torch.randn(problem.input_shape), torch.randn(problem.weight_shape)
    medians = []
    for name in ("first", "second"):
        timer = torch.utils.benchmark.Timer(
            "f(input, weight, None, **arguments)", num_threads=1,
            globals=dict(f=getattr(kernels, name), input=input, weight=weight, arguments=problem.arguments))
        medians.append(timer.blocked_autorange(min_run_time={seconds} / 2).median)
    ratios.append(medians[1] / medians[0])
print(json.dumps(ratios))
"""

PYTEST = """
import sys
import pytest, torch
sys.path.insert(0, {folder!r})
import kernels_of_known_ratio as kernels
from convgauge.problem import Problem
torch.set_num_threads(1)

@pytest.mark.parametrize("name", ["first", "second"])
@pytest.mark.parametrize("text", {problems!r})
def test_kernel(benchmark, text, name):
    problem = Problem.parse(text)
    input, weight = torch.randn(problem.input_shape), torch.randn(problem.weight_shape)
    benchmark(getattr(kernels, name), input, weight, None, **problem.arguments)
"""


@dataclass
class Sample:
    """Ratios of one method whose true values are known; ``true`` has the same order as ``ratios``."""

    name: str
    true: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0

    def add(self, record: TimingRecord, true: float) -> None:
        """Add the record of a race, if it has a ratio."""
        if record.ratio is not None:
            low, high = record.low or math.inf, record.high or -math.inf
            self.true.append(true)
            self.ratios.append(record.ratio)
            self.held.append(low <= true <= high)
            self.verdicts.append(record.verdict)

    @property
    def errors(self) -> list[float]:
        """Distances of the ratios from the truth, as fractions, in ascending order."""
        pairs = zip(self.ratios, self.true, strict=True)
        return sorted(math.exp(abs(math.log(ratio / true))) - 1 for ratio, true in pairs)

    @property
    def false_verdicts(self) -> int:
        """Number of verdicts that contradict the truth; "same" claims a ratio within the margin."""
        wrong = {"faster": lambda true: true >= 1, "slower": lambda true: true <= 1, "same": lambda true: true > 1.02}
        pairs = zip(self.verdicts, self.true, strict=True)
        return sum(wrong[verdict](true) for verdict, true in pairs if verdict in wrong)

    def row(self) -> list[str]:
        """Return the line of the table."""
        errors = self.errors
        late = errors[min(len(errors) - 1, math.ceil(0.95 * len(errors)) - 1)]
        figures = [f"{value:.2%}" for value in (statistics.median(errors), late, errors[-1])]
        held = f"{sum(self.held)} of {len(self.held)} = {sum(self.held) / len(self.held):.1%}" if self.held else "–"
        false = f"{self.false_verdicts} of {len(self.verdicts)}" if self.verdicts else "–"
        return [self.name, str(len(errors)), held, false, *figures, f"{self.elapsed_s:.0f} s"]


def race(problems: Sequence[str], seconds: float, names: Sequence[str], seed: int = 0) -> list[TimingRecord]:
    """Return the records of races of kernels against the first of them, which is left out."""
    origins = [Origin("file", str(KERNELS), name, name, "torch") for name in names]
    budget_s = seconds * len(problems)
    request = BenchRequest(tuple(names), baseline=names[0], layers=",".join(problems), budget_s=budget_s, seed=seed)
    benchmark = Benchmark(request, origins, Console(file=io.StringIO()))
    benchmark.run()
    return [record for record in benchmark.records if record.implementation != names[0]]


def equal_kernels(problems: Sequence[str], seconds: float) -> tuple[Sample, list[TimingRecord]]:
    """Race F.conv2d under several names on each problem."""
    sample = Sample("equal kernels")
    records = race(problems, seconds, EQUAL)
    for record in records:
        sample.add(record, 1.0)
    return sample, records


def known_ratios(races: int, seconds: float) -> Sample:
    """Race kernels whose work differs by known amounts, on small problems and with different seeds."""
    sample = Sample("known ratios")
    for seed in range(-(-races // len(SMALL_LAYERS))):
        for record in race(SMALL_LAYERS[: races - seed * len(SMALL_LAYERS)], seconds, tuple(KNOWN), seed):
            sample.add(record, KNOWN[record.implementation])
    return sample


def power(races: int) -> Sample:
    """Race a kernel with 2 % more work alone, within the default budget."""
    sample = Sample("2 % more work")
    for seed in range(races):
        problem = SMALL_LAYERS[seed % len(SMALL_LAYERS)]
        (record,) = race([problem], default_budget(1), ("hundred", "percent_2"), seed)
        sample.add(record, 1.02)
    return sample


def by_torch(problems: Sequence[str], seconds: float) -> Sample:
    """Time two names one after the other by torch.utils.benchmark."""
    code = SEQUENTIAL.format(folder=str(KERNELS.parent), problems=list(problems), seconds=seconds)
    return Sample("torch.utils.benchmark", [1.0] * len(problems), json.loads(_python("-c", code)))


def by_pytest_benchmark(problems: Sequence[str], seconds: float) -> Sample:
    """Time two names one after the other by pytest-benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        module, output = Path(folder, "test_sequential.py"), Path(folder, "output.json")
        module.write_text(PYTEST.format(folder=str(KERNELS.parent), problems=list(problems)))
        options = [f"--benchmark-max-time={seconds / 2}", "--benchmark-min-rounds=5", f"--benchmark-json={output}"]
        _python("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(module), *options)
        content = json.loads(output.read_text())
    medians = {
        (entry["params"]["text"], entry["params"]["name"]): entry["stats"]["median"] for entry in content["benchmarks"]
    }
    ratios = [medians[text, "second"] / medians[text, "first"] for text in problems]
    return Sample("pytest-benchmark", [1.0] * len(problems), ratios)


def _python(*arguments: str) -> str:
    environment = {**os.environ, **thread_environment(1)}
    return subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True, env=environment
    ).stdout.strip()


@contextlib.contextmanager
def load_on(count: int) -> Iterator[None]:
    """Keep ``count`` cores busy, each with a process of its own."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def variance_table(records: Sequence[TimingRecord]) -> Table:
    """Return the standard deviations of one life's log ratio by layer, medians over the kernels."""
    grid = Table(title="standard deviation of the log ratio of one life, median over kernels")
    for title in ("problem", "between processes", "sampling", "lives", "rounds of a life"):
        grid.add_column(title, justify="left" if title == "problem" else "right")
    by_problem: dict[str, list[TimingRecord]] = {}
    for record in records:
        if record.between is not None and record.sampling is not None:
            by_problem.setdefault(record.problem, []).append(record)
    for problem, group in by_problem.items():
        between = statistics.median(record.between or 0.0 for record in group)
        sampling = statistics.median(record.sampling or 0.0 for record in group)
        rounds = statistics.mean(len(record.seconds) / len(record.lives) for record in group)
        grid.add_row(problem, f"{between:.2%}", f"{sampling:.2%}", str(len(group[0].lives)), f"{rounds:.0f}")
    return grid


def _timed(measure: Callable[[], Sample]) -> Sample:
    started = time.monotonic()
    sample = measure()
    sample.elapsed_s = time.monotonic() - started
    return sample


def main() -> None:
    """Run the study as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="wall time of one race")
    parser.add_argument("--layers", type=int, default=23, help="layers of ResNet-50 with equal kernels")
    parser.add_argument("--known", type=int, default=18, help="races of kernels of known ratio")
    parser.add_argument("--slower", type=int, default=20, help="races of the kernel with 2 %% more work")
    parser.add_argument("--sequential", action="store_true", help="time equal kernels by other schedules too")
    parser.add_argument("--busy", action="store_true", help="keep one core busy with another program")
    options = parser.parse_args()
    problems = [layer.problem.text for layer in load("resnet50").layers[: options.layers]]
    console = Console(width=140)
    grid = Table(title="one core kept busy" if options.busy else "no load by the study")
    titles = (
        "method",
        "ratios",
        "interval holds the truth",
        "false verdicts",
        "median error",
        "95th percentile",
        "worst",
    )
    for title in (*titles, "wall time"):
        grid.add_column(title, justify="left" if title == "method" else "right")
    with load_on(int(options.busy)):
        started = time.monotonic()
        equal, records = equal_kernels(problems, options.seconds)
        equal.elapsed_s = time.monotonic() - started
        samples = [equal, *([_timed(lambda: known_ratios(options.known, options.seconds))] if options.known else [])]
        slower = _timed(lambda: power(options.slower)) if options.slower else None
        if options.sequential:
            methods = [partial(method, problems, options.seconds) for method in (by_pytest_benchmark, by_torch)]
            samples += map(_timed, methods)
    for sample in [*samples, *([slower] if slower else [])]:
        grid.add_row(*sample.row())
    console.print(grid)
    console.print(variance_table(records))
    if slower:
        called = slower.verdicts.count("slower")
        races, budget_s = len(slower.verdicts), default_budget(1)
        console.print(f"2 % more work: called slower in {called} of {races} races of at most {budget_s:g} s")


if __name__ == "__main__":
    main()
