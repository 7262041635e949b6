"""The race as pytest-benchmark modules: its table, JSON, comparison and histogram over interleaved samples.

    pytest benchmarks --race torch_module --race numpy_im2col --race-layers smoke --benchmark-json run.json

The first test of a layer runs its race; every test hands its implementation's samples to pytest-benchmark.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import pytest
from rich.console import Console

from convgauge.layers.sets import Layer, load
from convgauge.race import BenchError
from convgauge.race.benchmark import Benchmark
from convgauge.registry import resolve_all
from convgauge.request import BenchRequest
from convgauge.results import TimingRecord


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the race."""
    group = parser.getgroup("the race")
    group.addoption("--race-layers", default="smoke", help="a layer set, a file, or problems separated by commas")
    group.addoption("--race", action="append", help="implementation to race (default: all installed ones)")
    group.addoption("--race-baseline", default=BenchRequest.baseline, help="baseline of the race")
    group.addoption("--race-seconds", type=float, default=6.0, help="seconds for the race on one layer")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one benchmark per layer and implementation."""
    if {"layer", "implementation"} <= set(metafunc.fixturenames):
        options = metafunc.config.option
        try:
            layers = load(options.race_layers).layers
        except BenchError as error:
            raise pytest.UsageError(str(error)) from None
        names = options.race or _present()
        metafunc.parametrize("layer", layers, ids=lambda layer: layer.name or layer.problem.text, scope="session")
        metafunc.parametrize("implementation", dict.fromkeys([options.race_baseline, *names]), scope="session")


def _present() -> list[str]:
    """Return the built-in implementations of the output that are installed."""
    names = (origin.name for origin in resolve_all(["builtin"], directions=("forward",)) if not origin.absent)
    return list(names)


@pytest.fixture(scope="session")
def race(request: pytest.FixtureRequest) -> Callable[[Layer], dict[str, TimingRecord]]:
    """Return a function that races a layer once and returns its records by implementation."""
    options = request.config.option
    names = options.race or _present()

    @cache
    def run(layer: Layer) -> dict[str, TimingRecord]:
        request = BenchRequest(
            targets=tuple(names),
            baseline=options.race_baseline,
            layers=layer.problem.text,
            budget_s=options.race_seconds,
        )
        benchmark = Benchmark(request, resolve_all(names), Console(file=io.StringIO()))
        benchmark.run()
        return {record.implementation: record for record in benchmark.records}

    return run
