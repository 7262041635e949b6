"""One benchmark per layer and implementation, over the samples of the race."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate, chain

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from convgauge.layers.sets import Layer
from convgauge.results import TimingRecord


class Replay:
    """Clock whose readings, taken in pairs, differ by one sample each."""

    readings: Iterator[float] = iter(())

    def play(self, samples: list[float]) -> None:
        """Start again with other samples, in seconds."""
        ends = list(accumulate(samples))
        self.readings = chain.from_iterable(zip([0.0, *ends[:-1]], ends, strict=True))

    def __call__(self) -> float:
        """Return the next reading, in seconds."""
        return next(self.readings, 0.0)


clock = Replay()


@pytest.mark.benchmark(timer=clock, warmup=False)
def test_race(
    benchmark: BenchmarkFixture,
    layer: Layer,
    implementation: str,
    race: Callable[[Layer], dict[str, TimingRecord]],
) -> None:
    """Hand the seconds per call to pytest-benchmark, one sample per round."""
    record = race(layer)[implementation]
    assert record.verdict not in ("wrong", "failed"), record.reason
    if not record.seconds:
        pytest.skip(f"{record.verdict}: {record.reason}")
    benchmark.group = layer.name or layer.problem.text
    benchmark.extra_info.update(
        problem=record.problem, verdict=record.verdict, ratio=record.ratio, low=record.low, high=record.high,
        noise=record.noise, baseline=record.baseline, iterations=record.iterations,
    )  # fmt: skip
    clock.play(record.seconds)
    benchmark.pedantic(lambda: None, rounds=len(record.seconds), iterations=1)  # type: ignore[no-untyped-call]
