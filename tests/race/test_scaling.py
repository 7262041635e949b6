"""Tests of exponents and crossovers of sweeps with given true times."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from convgauge.layers import sweeps
from convgauge.layers.sets import load
from convgauge.problem import Problem
from convgauge.race import BenchError, scaling
from convgauge.results import TimingRecord
from convgauge.terms import RaceVerdict

SIZES = (8, 16, 32, 64, 128, 256)


def records(times: dict[str, list[float]], noise: float = 0.01, spread: float = 0.005) -> list[TimingRecord]:
    """Return a sweep of the size with given true times in 4 lives of 10 rounds; "base" is the baseline."""
    random = np.random.default_rng(5)
    result = []
    for index, layer in enumerate(load("sweep:size").layers):
        drift = np.exp(np.cumsum(random.normal(0, 0.02, 40)))
        samples = {
            name: (true[index] * drift * np.exp(random.normal(0, spread, 40))).tolist() for name, true in times.items()
        }
        for name, taken in samples.items():
            logs = np.log(taken) - np.log(samples["base"])
            ratio, low, high = np.exp([np.median(logs), logs.min(), logs.max()]).tolist()
            verdict: RaceVerdict = "baseline" if name == "base" else "undecided"
            result.append(TimingRecord(
                name, layer.problem.text, taken, ratio, low, high, verdict, "base", None, None, layer.problem.flops,
                layers="scaling:size", noise=noise, lives=[10] * 4,
            ))  # fmt: skip
    return result


def power(exponent: float, scale: float = 1e-6) -> list[float]:
    return [scale * size**exponent for size in SIZES]


def test_all_but_one_dimension_is_constant() -> None:
    for axis, names in {
        "size": {"height", "width"},
        "channels": {"in_channels", "out_channels"},
        "kernel": {"kernel", "padding"},
        "batch": {"batch"},
    }.items():
        layers = load(f"sweep:{axis}")
        assert layers.name == f"scaling:{axis}"
        problems = [layer.problem for layer in layers.layers]
        assert len(problems) >= 5
        values = [sweeps.value_of(axis, problem.text, 1) for problem in problems]
        assert values == sorted(set(values))
        for problem in problems:
            same = vars(problems[0]).keys() - names - {"text", "output_size", "flops"}
            assert all(getattr(problem, name) == getattr(problems[0], name) for name in same)
        if axis != "size":
            assert len({problem.output_size for problem in problems}) == 1


def test_values_and_the_problem_may_be_named() -> None:
    depthwise = "n2c8h20w20_o16k3x3_s1x1_p1x1_d1x1_g8_float32"
    problems = [layer.problem for layer in load(f"sweep:channels=16,4:{depthwise}").layers]
    assert [(p.in_channels, p.out_channels, p.groups, p.batch) for p in problems] == [
        (4, 8, 4, 2),
        (16, 32, 16, 2),
    ]
    assert load("sweep:threads=1,3").threads == (1, 3)
    assert load(f"sweep:threads:{depthwise}").layers[0].problem == Problem.parse(depthwise)
    assert load("sweep:threads").threads[0] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sweep:depth", "there are: size, channels, kernel, batch, threads"),
        ("sweep:size=8,x", "whole numbers"),
        ("sweep:size=0", "whole numbers"),
        ("sweep:size:n1c1", "should look like"),
        ("sweep:size=1:n1c4h9w9_o4k3x3_s1x1_p0x0_d1x1_g1_float32", "kernel covers 3 rows"),
        ("sweep:channels=5:n1c8h9w9_o16k3x3_s1x1_p0x0_d1x1_g4_float32", "not be a whole number"),
    ],
)
def test_a_bad_sweep_is_refused(text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        load(text)


@pytest.mark.parametrize("true", [0.0, 1.0, 2.0])
def test_the_exponent_is_estimated(true: float) -> None:
    (curve, other) = scaling.curves(records({"base": power(true), "cubic": power(3)}))
    assert [point.value for point in curve.points] == list(SIZES)
    assert curve.exponent and other.exponent
    low, high = curve.exponent.low, curve.exponent.high
    assert low is not None and high is not None
    assert low - 1e-9 <= true <= high + 1e-9
    assert curve.exponent.value == pytest.approx(true, abs=0.05)
    assert other.exponent.value == pytest.approx(3, abs=0.05)
    first = curve.points[0]
    assert first.low and first.high
    assert first.low <= first.seconds <= first.high


def test_the_interval_of_a_power_covers() -> None:
    random, missed = np.random.default_rng(1), 0
    for _ in range(400):
        points = [scaling.Point(size, size**2 * math.exp(random.normal(0, 0.2)), None, None) for size in SIZES]
        estimate = scaling.exponent(points)
        assert estimate and estimate.low and estimate.high
        missed += not estimate.low <= 2 <= estimate.high
    assert 1 <= missed <= 0.05 * 400 + 12  # 2 P(inversions <= 1) is 1.7 % at six points: 7 expected, 20 at worst


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7])
def test_inversions_are_counted_as_by_listing_all_orders(count: int) -> None:
    inversions = [
        sum(a > b for a, b in itertools.combinations(order, 2)) for order in itertools.permutations(range(count))
    ]
    for error in (0.05, 0.2, 0.6):
        most = max((d for d in range(22) if 2 * sum(i <= d for i in inversions) <= error * len(inversions)), default=-1)
        assert scaling.inversions_rank(count, error) == most


def test_too_few_points_have_no_interval() -> None:
    points = [scaling.Point(size, float(size), None, None) for size in SIZES]
    few = scaling.exponent(points[:4])
    assert few is not None
    assert few.low is None
    assert scaling.exponent(points[:1]) is None


def test_a_crossover_is_found_where_it_is() -> None:
    """One implementation takes n^2 µs, the other 50 n µs: they are equal at 50."""
    steep, flat = power(2, 1e-6), power(1, 50e-6)
    (crossover,) = scaling.crossovers(records({"base": power(1.5), "steep": steep, "flat": flat}, spread=0.003))[-1:]
    assert (crossover.below, crossover.above) == ("steep", "flat")
    assert 32 < crossover.low <= crossover.value <= crossover.high < 64
    assert crossover.value == pytest.approx(50, rel=0.05)


def test_noise_widens_a_crossover_and_ties_have_none() -> None:
    steep, flat = power(1.1, 1e-6), power(1.0, 1e-6 * 50**0.1)
    narrow = scaling.crossovers(records({"base": flat, "steep": steep}, spread=0.001, noise=0.001))
    wide = scaling.crossovers(records({"base": flat, "steep": steep}, spread=0.05, noise=0.06))
    assert len(narrow) == len(wide) == 1
    assert narrow[0].low < 50 * 1.1
    assert narrow[0].high > 50 / 1.1
    assert narrow[0].high / narrow[0].low < wide[0].high / wide[0].low
    assert scaling.crossovers(records({"base": flat, "twin": flat})) == []
    assert scaling.crossovers(records({"base": power(1), "slow": power(1, 3e-6)})) == []


def test_records_that_were_not_ranked_are_left_out() -> None:
    timings = records({"base": power(1), "other": power(2)})
    broken = [
        TimingRecord(record.implementation, record.problem, [], None, None, None, "wrong", "base", None, None,
                     record.flops, layers=record.layers)
        if record.implementation == "other" and "h8w8" in record.problem else record
        for record in timings
    ]  # fmt: skip
    assert [len(curve.points) for curve in scaling.curves(broken)] == [6, 5]
    plain = [
        TimingRecord("a", record.problem, [1.0], 1.0, 1.0, 1.0, "baseline", "a", None, None, 1) for record in timings
    ]
    assert scaling.curves(plain) == []
