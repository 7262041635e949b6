"""Tests of the stopwatch with a clock that only calls advance."""

from __future__ import annotations

import pytest

from convgauge.auto.stopwatch import Stopwatch, calls_per_short_sample


class Kernel:
    """Call that takes ``first_ns``, then ``later_ns`` of its own clock."""

    def __init__(self, first_ns: int, later_ns: int) -> None:
        self.first_ns, self.later_ns = first_ns, later_ns
        self.time_ns = self.calls = 0

    def __call__(self) -> None:
        self.time_ns += self.later_ns if self.calls else self.first_ns
        self.calls += 1

    def stopwatch(self) -> Stopwatch:
        stopwatch = Stopwatch(threads=1)
        stopwatch.now_ns = lambda: self.time_ns
        return stopwatch


def test_seconds_are_the_mean_of_the_calls() -> None:
    kernel = Kernel(4_000, 1_000)
    assert kernel.stopwatch().seconds(kernel, calls=3) == pytest.approx(2e-6)


def test_the_least_sample_counts_and_a_first_call_does_not() -> None:
    kernel = Kernel(100_000, 50_000)
    assert kernel.stopwatch().least_seconds(kernel) == pytest.approx(5e-5)
    assert kernel.calls == 1 + 4 * calls_per_short_sample(1e-4)


def test_a_call_above_the_limit_is_made_once() -> None:
    kernel = Kernel(2_000_000, 1)
    assert kernel.stopwatch().least_seconds(kernel, limit=1e-3) == pytest.approx(2e-3)
    assert kernel.calls == 1


def test_a_call_of_no_time_is_sampled_a_finite_number_of_times() -> None:
    assert calls_per_short_sample(0.0) == 5000
