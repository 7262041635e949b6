"""Tests of the race's statistics on simulated machines whose true ratios are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from convgauge.race import schedule
from convgauge.race import statistics as stats

Random = np.random.Generator
Times = NDArray[np.float64]
Machine = Callable[[Random, int], Times]
RATIOS = (0.5, 0.8, 0.97, 1.0, 1.0, 1.03, 1.1, 2.0)


def quiet(random: Random, count: int) -> Times:
    return np.exp(random.normal(0, 0.01, count))


def drift(random: Random, count: int) -> Times:
    """Return the times of a machine whose clock rate wanders by half over the race."""
    return np.exp(np.cumsum(random.normal(0, 0.02, count))) * quiet(random, count)


def bursts(random: Random, count: int) -> Times:
    """Return the times of a machine of which another program sometimes takes half for a while."""
    slow = np.zeros(count)
    for start in random.integers(0, count, max(1, count // 60)):
        slow[start : start + random.integers(1, 20)] = 1.0
    return (1 + slow) * quiet(random, count)


def two_speeds(random: Random, count: int) -> Times:
    """Return the times of a machine whose clock rate jumps between two frequencies."""
    state = np.cumsum(random.random(count) < 0.05) % 2
    return np.where(state == 0, 1.0, 1.35) * quiet(random, count)


def heavy_tails(random: Random, count: int) -> Times:
    """Return times with delays that have neither a variance nor a mean."""
    return (1 + 0.02 * random.pareto(0.9, count)) * quiet(random, count)


@dataclass(frozen=True)
class Outcome:
    """Result of one contestant."""

    ratio: stats.Ratio
    verdict: str
    is_conclusive: bool

    def covers(self, true: float) -> bool:
        low, high = self.ratio.low, self.ratio.high
        return low is not None and high is not None and low <= true <= high


def ratio_of(times: Times, baseline: Times, error: float) -> stats.Ratio:
    return stats.ratio(times.tolist(), baseline.tolist(), error)


MACHINES: list[Machine] = [quiet, drift, bursts, two_speeds, heavy_tails]


def race(random: Random, machine: Machine, ratios: tuple[float, ...], rounds: int) -> list[Outcome]:
    """Return the outcome of each contestant, by the looks and rules of the race."""
    size = len(ratios) + 2  # the baseline and its control
    true = np.array([1.0, 1.0, *ratios])
    noise = machine(random, rounds * size).reshape(rounds, size)
    times = np.empty((rounds, size))
    orders = np.concatenate([schedule.latin_square(size, random) for _ in range(-(-rounds // size))])
    for row, order in enumerate(orders[:rounds]):
        times[row, order] = noise[row] * true[order]
    outcomes: list[Outcome | None] = [None] * len(ratios)
    for look, at in enumerate(stats.looks(len(ratios)), start=1):
        if at > rounds:
            return [outcome for outcome in outcomes if outcome is not None]
        error = stats.error_share(look, len(ratios))
        floor = stats.noise_floor(ratio_of(times[:at, 1], times[:at, 0], error))
        for index, outcome in enumerate(outcomes):
            if outcome is None or not outcome.is_conclusive:
                ratio = ratio_of(times[:at, index + 2], times[:at, 0], error)
                outcomes[index] = Outcome(ratio, stats.verdict(ratio, floor), stats.is_conclusive(ratio, floor))
    raise AssertionError("looks end")


RACES = 60


def misses(machine: Machine, races: int) -> tuple[int, int]:
    """Return the number of races in which an interval misses its ratio, and of those in which a verdict is wrong."""
    random, missed, wrong = np.random.default_rng(20), 0, 0
    for _ in range(races):
        outcomes = race(random, machine, RATIOS, 120)
        missed += any(not outcome.covers(true) for true, outcome in zip(RATIOS, outcomes, strict=True))
        wrong += any(is_wrong(true, outcome.verdict) for true, outcome in zip(RATIOS, outcomes, strict=True))
    return missed, wrong


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_intervals_cover_and_verdicts_are_right(machine: Machine) -> None:
    missed, wrong = misses(machine, RACES)
    assert missed <= 0.05 * RACES, f"in {missed} of {RACES} races an interval missed its ratio"
    assert wrong <= 0.05 * RACES, f"in {wrong} of {RACES} races a verdict was wrong"


def is_wrong(true: float, verdict: str) -> bool:
    """Return True if a verdict contradicts the true ratio; undecided never does."""
    within = 1 / (1 + stats.SAME_MARGIN) - 1e-9 <= true <= 1 + stats.SAME_MARGIN + 1e-9
    return {"same": not within, "faster": true >= 1, "slower": true <= 1}.get(verdict, False)


def test_a_quiet_machine_separates_different_ratios_from_equal_ones() -> None:
    outcomes = race(np.random.default_rng(1), quiet, (0.9, 1.0, 1.1), 200)
    assert [outcome.verdict for outcome in outcomes] == ["faster", "same", "slower"]


def test_drift_biases_sequential_blocks_and_not_rounds() -> None:
    """The same samples, taken one contestant after the other, give a worse ratio."""
    random = np.random.default_rng(3)
    paired, blocks = [], []
    for _ in range(40):
        noise = drift(random, 80)
        blocks.append(abs(math.log(np.median(noise[40:]) / np.median(noise[:40]))))
        paired.append(abs(math.log(ratio_of(noise[1::2], noise[::2], 0.05).value)))
    assert np.median(paired) < np.median(blocks) / 4


@pytest.mark.parametrize("error", [0.05, 0.01, 0.001])
def test_the_sign_interval_is_scipys(error: float) -> None:
    binom = pytest.importorskip("scipy.stats").binom
    for count in range(1, 200, 7):
        left_out = stats.rank(count, error)
        expected = max((r for r in range(count) if 2 * binom.cdf(r, count, 0.5) <= error), default=-1)
        assert left_out == expected
        assert (stats.sign_interval(list(range(count)), error) is None) == (count < stats.fewest_rounds(error))


def test_the_sign_interval_of_six_values_is_their_range() -> None:
    assert stats.sign_interval([3, 1, 2, 6, 5, 4], 0.05) == (1, 6)
    assert stats.sign_interval([1, 2, 3, 4, 5], 0.05) is None


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_a_few_rounds_against_many_still_cover(machine: Machine) -> None:
    random = np.random.default_rng(4)
    error = stats.error_share(1, 20)
    missed = 0
    for _ in range(300):
        noise = machine(random, 80)
        outcome = Outcome(ratio_of(30.0 * noise[:8:2], noise[1::2], error), "", True)
        assert outcome.ratio.low is not None
        missed += not outcome.covers(30)
    assert missed <= 3


def test_the_rank_interval_is_as_wide_as_all_pairs_and_needs_enough_of_them() -> None:
    assert stats.rank_interval([4.0, 8.0], [1.0, 2.0], 0.5) == pytest.approx((math.log(2), math.log(8)))
    assert stats.rank_interval([4.0, 8.0], [1.0, 2.0], 0.3) is None
    assert stats.rank_interval([], [1.0], 0.5) is None


def test_error_shares_add_up_to_the_error_rate() -> None:
    total = sum(stats.error_share(look, 7) * 7 for look in range(1, 10_000))
    assert total == pytest.approx(stats.ERROR_RATE, rel=1e-3)


def test_looks_come_when_an_interval_is_possible_and_grow() -> None:
    for comparisons in (1, 3, 12):
        at = [count for count, _ in zip(stats.looks(comparisons), range(8), strict=False)]
        assert at == sorted(set(at))
        for look, count in enumerate(at, start=1):
            assert stats.rank(count, stats.error_share(look, comparisons)) >= 0


def test_there_is_no_verdict_below_the_noise_floor() -> None:
    estimate = stats.Ratio(1.05, 1.04, 1.06, 100)
    assert stats.verdict(estimate, noise=0.01) == "slower"
    assert stats.verdict(estimate, noise=0.05) == "undecided"
    equal = stats.Ratio(1.0, 0.99, 1.01, 100)
    assert stats.verdict(equal, noise=0.01) == "same"
    assert stats.verdict(equal, noise=0.04) == "undecided"
    assert stats.verdict(stats.Ratio(2.0, None, None, 3), noise=0.0) == "undecided"


def test_differences_of_processes_do_not_count_as_differences_of_kernels() -> None:
    """One kernel in three processes, whose speeds differ in each race by an amount that rounds do not reduce."""
    random, wrong = np.random.default_rng(8), {True: 0, False: 0}
    noises: list[float] = []
    for _ in range(400):
        speeds = np.exp(random.normal(0, 0.02, 3))
        times = speeds * np.exp(random.normal(0, 0.01, (150, 3)))
        control, estimate = (ratio_of(times[:, index], times[:, 0], 0.01) for index in (1, 2))
        noise = stats.noise_floor(control)
        for pooled in wrong:
            floor = stats.pooled_floor(noises) if pooled else 0.0
            wrong[pooled] += stats.verdict(estimate, noise, floor) in ("faster", "slower")
        noises.append(noise)
    assert wrong[True] <= 0.05 * 400
    assert wrong[False] > 0.2 * 400, "one control does not suffice"


def test_too_few_earlier_races_set_no_floor() -> None:
    assert stats.pooled_floor([0.1] * (stats.MIN_CONTROLS - 1)) == 0
    assert stats.pooled_floor([0.01] * stats.MIN_CONTROLS) == pytest.approx(0.0297, abs=1e-4)


def test_faster_and_slower_need_more_than_the_smallest_floor() -> None:
    assert stats.verdict(stats.Ratio(0.985, 0.981, 0.9915, 100), noise=0.0) == "same"
    assert stats.verdict(stats.Ratio(1.02, 1.009, 1.03, 100), noise=0.0) == "undecided"
    assert stats.verdict(stats.Ratio(1.02, 1.011, 1.03, 100), noise=0.0) == "slower"
    assert stats.verdict(stats.Ratio(1.02, 1.011, 1.03, 100), noise=0.0, floor=0.02) == "undecided"


def main() -> None:
    """Print the coverage on each machine: ``python tests/race/test_statistics.py``."""
    print(f"{RACES} races of {len(RATIOS)} contestants each     all intervals hold     some verdict is wrong")
    for machine in MACHINES:
        missed, wrong = misses(machine, RACES)
        print(f"{machine.__name__:34} {1 - missed / RACES:21.1%} {wrong / RACES:25.1%}")


if __name__ == "__main__":
    main()
