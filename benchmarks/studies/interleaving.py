"""Error of the measured ratio of a kernel to itself: the race beside sequential ways of timing.

    python benchmarks/studies/interleaving.py [--seconds 4] [--problems 20] [--slower 20]

On each layer, F.conv2d is timed under two names, for the same wall time by each method, while the other cores are kept
busy. Then a kernel with 1/32 = 3.1 % more work is raced, and the study counts the verdicts "slower".
Needs torch. Prints one table; takes 3 x problems x seconds, and 8 seconds for each race of the slower kernel.

Figure, 20 layers of ResNet-50, two shared cores of an Intel Xeon with AMX: median error 0.66 % and 95th percentile
3.10 % with no false verdict in 20 races, against a median of 1.41 % by pytest-benchmark and 1.53 % by
torch.utils.benchmark. The slower kernel was called slower in 20 of 20 races, with a median ratio of 1.029. The
documentation describes the method without these figures: docs/method.md, "The race".
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from convgauge.environment import cores, thread_environment
from convgauge.layers.sets import load
from convgauge.race.benchmark import Benchmark
from convgauge.registry import Origin
from convgauge.request import BenchRequest
from convgauge.results import TimingRecord

KERNELS = Path(__file__).with_name("kernels_of_known_ratio.py")
SLOWER_LAYER = "n1c32h28w28_o64k3x3_s1x1_p1x1_d1x1_g1_float32"

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
class Method:
    """Ratios that one way of timing measured where the true ratio is 1."""

    name: str
    ratios: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    verdicts: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[float]:
        """Distances of the ratios from 1, as fractions, in ascending order."""
        return sorted(math.exp(abs(math.log(ratio))) - 1 for ratio in self.ratios)

    def row(self) -> list[str]:
        """Return the method's line of the table."""
        errors = self.errors
        late = errors[min(len(errors) - 1, math.ceil(0.95 * len(errors)) - 1)]
        false = sum(verdict in ("faster", "slower") for verdict in self.verdicts)
        verdicts = f"{false} of {len(self.verdicts)} ({self.verdicts.count('same')} same)" if self.verdicts else "–"
        figures = [f"{value:.2%}" for value in (statistics.median(errors), late, errors[-1])]
        return [self.name, *figures, verdicts, f"{self.elapsed:.0f} s"]


def race(problems: list[str], seconds: float, names: tuple[str, str]) -> list[TimingRecord]:
    """Return the second kernel's records of races against the first."""
    origins = [Origin("file", str(KERNELS), name, name, "torch") for name in names]
    request = BenchRequest(
        targets=names, baseline=names[0], layers=",".join(problems), budget_s=seconds * len(problems)
    )
    benchmark = Benchmark(request, origins, Console(file=io.StringIO()))
    benchmark.run()
    return [record for record in benchmark.records if record.implementation == names[1]]


def by_race(problems: list[str], seconds: float) -> Method:
    """Time the two names by the race."""
    records = race(problems, seconds, ("first", "second"))
    method = Method("convgauge bench", verdicts=[record.verdict for record in records])
    method.ratios = [record.ratio for record in records if record.ratio is not None]
    return method


def by_torch(problems: list[str], seconds: float) -> Method:
    """Time the two names one after the other by torch.utils.benchmark."""
    code = SEQUENTIAL.format(folder=str(KERNELS.parent), problems=problems, seconds=seconds)
    return Method("torch.utils.benchmark", json.loads(_python("-c", code)))


def by_pytest_benchmark(problems: list[str], seconds: float) -> Method:
    """Time the two names one after the other by pytest-benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        module, output = Path(folder, "test_sequential.py"), Path(folder, "output.json")
        module.write_text(PYTEST.format(folder=str(KERNELS.parent), problems=problems))
        options = [f"--benchmark-max-time={seconds / 2}", "--benchmark-min-rounds=5", f"--benchmark-json={output}"]
        _python("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(module), *options)
        content = json.loads(output.read_text())
    medians = {
        (entry["params"]["text"], entry["params"]["name"]): entry["stats"]["median"] for entry in content["benchmarks"]
    }
    return Method("pytest-benchmark", [medians[text, "second"] / medians[text, "first"] for text in problems])


def _python(*arguments: str) -> str:
    import os

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


def main() -> None:
    """Run the study as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="wall time of each method for each problem")
    parser.add_argument("--problems", type=int, default=20, help="number of layers of ResNet-50")
    parser.add_argument("--slower", type=int, default=20, help="number of races of the kernel with 3.1 %% more work")
    options = parser.parse_args()
    problems = [layer.problem.text for layer in load("resnet50").layers[: options.problems]]
    console = Console()
    grid = Table(title=f"one kernel under two names, {len(problems)} layers, {cores() - 1} other core(s) kept busy")
    for title in ("method", "median error", "95th percentile", "worst", "false verdicts", "wall time"):
        grid.add_column(title, justify="left" if title == "method" else "right")
    with load_on(cores() - 1):
        for method in (by_race, by_pytest_benchmark, by_torch):
            started = time.monotonic()
            result = method(problems, options.seconds)
            result.elapsed = time.monotonic() - started
            grid.add_row(*result.row())
        slower = [race([SLOWER_LAYER], 8.0, ("repeated", "repeated_once_more"))[0] for _ in range(options.slower)]
    console.print(grid)
    if slower:
        called = sum(record.verdict == "slower" for record in slower)
        ratios = sorted(record.ratio or math.nan for record in slower)
        console.print(
            f"3.1 % more work: called slower in {called} of {len(slower)} races of 8 s,"
            f" ratios {ratios[0]:.3f} to {ratios[-1]:.3f}, median {statistics.median(ratios):.3f}"
        )


if __name__ == "__main__":
    main()
