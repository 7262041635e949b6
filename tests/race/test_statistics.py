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
from convgauge.race.variances import VariancePool

Random = np.random.Generator
Times = NDArray[np.float64]
Machine = Callable[[Random, int], Times]
RATIOS = (0.5, 0.8, 0.97, 1.0, 1.0, 1.03, 1.1, 2.0)
LIVES, ROUNDS = 8, 20


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


def equal_processes(random: Random, count: int) -> Times:
    return np.ones(count)


def different_processes(random: Random, count: int) -> Times:
    """Return the speeds of processes that differ as those of one kernel were measured to differ."""
    return np.exp(random.normal(0, 0.008, count))


def some_slow_processes(random: Random, count: int) -> Times:
    """Return the speeds of processes one in ten of which is slower by 3 to 5 %."""
    return np.where(random.random(count) < 0.1, random.uniform(1.03, 1.05, count), different_processes(random, count))


MACHINES: list[Machine] = [quiet, drift, bursts, two_speeds, heavy_tails]
PROCESSES: list[Machine] = [equal_processes, different_processes, some_slow_processes]


@dataclass(frozen=True)
class Outcome:
    """Result of one contestant."""

    ratio: stats.Ratio
    verdict: str
    is_conclusive: bool

    def covers(self, true: float) -> bool:
        low, high = self.ratio.low, self.ratio.high
        return low is not None and high is not None and low <= true <= high


def times_of(random: Random, machine: Machine, processes: Machine, ratios: tuple[float, ...], lives: int) -> Times:
    """Return times of shape (lives, rounds, contestants); each contestant has another process in each life."""
    size = len(ratios)
    noise = machine(random, lives * ROUNDS * size).reshape(lives, ROUNDS, size)
    times = np.empty_like(noise)
    for life in range(lives):
        orders = np.concatenate([schedule.latin_square(size, random) for _ in range(-(-ROUNDS // size))])
        for round_number, order in enumerate(orders[:ROUNDS]):
            times[life, round_number, order] = noise[life, round_number]
    speeds = processes(random, lives * size).reshape(lives, 1, size)
    result: Times = times * np.array(ratios) * speeds
    return result


def lives_of(times: Times, *references: Times) -> list[stats.LifeRatio]:
    """Return the log ratios of times of shape (lives, rounds)."""
    return [stats.life_ratio(*life) for life in zip(times, *references, strict=True)]


def ratio_of(times: Times, baseline: Times, error: float) -> stats.Ratio:
    return stats.ratio(lives_of(times, baseline), error)


def race(
    random: Random, machine: Machine, processes: Machine, ratios: tuple[float, ...], pool: VariancePool | None = None
) -> list[Outcome]:
    """Return the outcome of each contestant, by the looks and rules of the race."""
    times = times_of(random, machine, processes, (1.0, 1.0, *ratios), LIVES)
    outcomes: list[Outcome | None] = [None] * len(ratios)
    pool = pool or VariancePool()
    for look, at in enumerate((LIVES // 2, LIVES), start=1):
        error = stats.error_share(look, is_last=at == LIVES)
        lives = [lives_of(times[:at, :, index + 2], times[:at, :, 0], times[:at, :, 1]) for index in range(len(ratios))]
        prior = pool.prior(stats.variances(lives))
        floor = stats.floor(stats.ratio(lives_of(times[:at, :, 1], times[:at, :, 0]), error, prior))
        for index, outcome in enumerate(outcomes):
            if outcome is None or not outcome.is_conclusive:
                ratio = stats.ratio(lives[index], error, prior)
                outcomes[index] = Outcome(ratio, stats.verdict(ratio, floor), stats.is_conclusive(ratio, floor))
    pool.add(stats.variances(lives))
    return [outcome for outcome in outcomes if outcome is not None]


RACES = 60


def misses(machine: Machine, processes: Machine, races: int) -> tuple[int, int]:
    """Return the number of intervals that miss their ratio, and of verdicts that are wrong."""
    random, missed, wrong = np.random.default_rng(20), 0, 0
    pool = VariancePool()
    for _ in range(races):
        outcomes = race(random, machine, processes, RATIOS, pool)
        missed += sum(not outcome.covers(true) for true, outcome in zip(RATIOS, outcomes, strict=True))
        wrong += sum(is_wrong(true, outcome.verdict) for true, outcome in zip(RATIOS, outcomes, strict=True))
    return missed, wrong


@pytest.mark.parametrize("processes", PROCESSES, ids=lambda machine: machine.__name__)
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_intervals_cover_and_verdicts_are_right(machine: Machine, processes: Machine) -> None:
    missed, wrong = misses(machine, processes, RACES)
    ratios = RACES * len(RATIOS)
    assert missed <= 0.02 * ratios, f"{missed} of {ratios} intervals missed their ratio"
    assert wrong <= 0.01 * ratios, f"{wrong} of {ratios} verdicts were wrong"


def is_wrong(true: float, verdict: str) -> bool:
    """Return True if a verdict contradicts the true ratio; undecided never does."""
    within = 1 / (1 + stats.SAME_MARGIN) - 1e-9 <= true <= 1 + stats.SAME_MARGIN + 1e-9
    return {"same": not within, "faster": true >= 1, "slower": true <= 1}.get(verdict, False)


def test_rounds_in_the_same_two_processes_do_not_replace_lives() -> None:
    """Of a single pair of processes, an interval over rounds would miss most ratios."""
    random, missed = np.random.default_rng(5), 0
    for _ in range(100):
        times = times_of(random, quiet, different_processes, (1.0, 1.0), 1)[0].T.reshape(2, 20, 1)
        missed += not Outcome(ratio_of(times[1], times[0], 0.05), "", True).covers(1.0)
    assert missed > 50


def test_a_quiet_machine_separates_different_ratios_from_equal_ones() -> None:
    outcomes = race(np.random.default_rng(1), quiet, equal_processes, (0.9, 1.0, 1.1))
    assert [outcome.verdict for outcome in outcomes] == ["faster", "same", "slower"]


def test_two_percent_are_slower_on_a_machine_with_different_processes() -> None:
    random, slower = np.random.default_rng(6), 0
    for _ in range(20):
        times = times_of(random, quiet, lambda r, count: np.exp(r.normal(0, 0.004, count)), (1.0, 1.02), 16)
        slower += (
            stats.verdict(ratio_of(times[:, :, 1], times[:, :, 0], stats.error_share(3, is_last=True))) == "slower"
        )
    assert slower >= 18


@pytest.mark.parametrize("processes", PROCESSES, ids=lambda machine: machine.__name__)
def test_identical_revisions_are_no_regression(processes: Machine) -> None:
    """Of 100 runs of three layers each, at most 5 have an interval that is wholly above the margin."""
    random, false = np.random.default_rng(11), 0
    for _ in range(100):
        pool = VariancePool()
        ratios = [race(random, bursts, processes, (1.0,), pool)[0].ratio for _ in range(3)]
        false += any(ratio.low is not None and ratio.low > 1.02 for ratio in ratios)
    assert false <= 5


def test_drift_biases_sequential_blocks_and_not_rounds() -> None:
    """The same samples, taken one contestant after the other, give a worse ratio."""
    random = np.random.default_rng(3)
    paired, blocks = [], []
    for _ in range(40):
        noise = drift(random, 80)
        blocks.append(abs(math.log(np.median(noise[40:]) / np.median(noise[:40]))))
        paired.append(abs(stats.life_ratio(noise[1::2].tolist(), noise[::2].tolist()).log))
    assert np.median(paired) < np.median(blocks) / 4


def test_the_centre_ignores_disturbed_rounds_and_is_nearly_as_precise_as_the_mean() -> None:
    random = np.random.default_rng(7)
    values = random.normal(0, 1, (300, 25))
    centres = np.array([stats.centre(row) for row in values])
    assert centres.var() == pytest.approx(values.mean(axis=1).var() * stats.ESTIMATOR_VARIANCE, rel=0.1)
    values[:, :5] = 1e9
    assert max(abs(stats.centre(row)) for row in values) < 1.5
    assert stats.centre(np.array([3.0])) == 3.0


def test_skewed_delays_do_not_bias_the_ratio_to_two_processes() -> None:
    random = np.random.default_rng(9)
    times = heavy_tails(random, 3 * 20 * 400).reshape(3, 400, 20)
    logs = [life.log for life in lives_of(*times)]
    assert abs(np.median(logs)) < 3 * np.std(logs) / math.sqrt(400)
    joined = np.median([stats.life_ratio(a, np.sqrt(b * c)).log for a, b, c in zip(*times, strict=True)])
    assert abs(joined) > abs(np.median(logs)), "the geometric mean of two processes has less delay than one"


def test_the_interval_is_students() -> None:
    logs = [0.1, 0.2, 0.3, 0.6]
    ratio = stats.ratio([stats.LifeRatio(log, 5, 0.01) for log in logs], 0.05)
    half = 3.182446 * np.std(logs, ddof=1) / 2
    assert ratio.low and ratio.high
    assert (ratio.rounds, ratio.lives) == (20, 4)
    assert [math.log(end) for end in (ratio.low, ratio.value, ratio.high)] == pytest.approx(
        [0.3 - half, 0.3, 0.3 + half]
    )
    assert ratio.deviation == pytest.approx(np.std(logs, ddof=1))
    assert ratio.sampling == pytest.approx(0.1)
    assert ratio.between == pytest.approx(math.sqrt(np.var(logs, ddof=1) - 0.01))


def test_one_life_has_a_ratio_without_an_interval() -> None:
    ratio = stats.ratio([stats.life_ratio([2.0], [1.0])], 0.05)
    assert ratio.value == pytest.approx(2.0)
    assert (ratio.low, ratio.high, ratio.between) == (None, None, None)
    assert stats.verdict(ratio) == "undecided"


def test_lives_of_one_process_count_once() -> None:
    joined = stats.joined([stats.LifeRatio(0.1, 4, 0.02), stats.LifeRatio(0.3, 6, 0.04)])
    assert joined.rounds == 10
    assert (joined.log, joined.variance) == pytest.approx((0.2, 0.015))
    assert stats.joined([stats.LifeRatio(0.1, 1, None)]).variance is None


def test_error_shares_add_up_to_the_error_rate() -> None:
    for last in (1, 2, 5):
        shares = [stats.error_share(look, is_last=look == last) for look in range(1, last + 1)]
        assert sum(shares) == pytest.approx(stats.ERROR_RATE)


def test_looks_are_at_twice_as_many_lives_each_time() -> None:
    assert [count for count, _ in zip(stats.looks(4), range(4), strict=False)] == [4, 8, 16, 32]


def test_there_is_no_verdict_below_the_floor() -> None:
    estimate = stats.Ratio(1.05, 1.04, 1.06, 100)
    assert stats.verdict(estimate, floor=0.01) == "slower"
    assert stats.verdict(estimate, floor=0.05) == "undecided"
    equal = stats.Ratio(1.0, 0.99, 1.01, 100)
    assert stats.verdict(equal, floor=0.01) == "same"
    assert stats.verdict(equal, floor=0.04) == "undecided"
    assert stats.verdict(stats.Ratio(1.03, 1.004, 1.05, 100)) == "undecided"


def test_the_floor_is_the_controls_deviation_if_its_interval_misses_1() -> None:
    assert stats.floor(stats.Ratio(1.03, 0.99, 1.07, 40)) == stats.MIN_FLOOR
    assert stats.floor(stats.Ratio(1.03, 1.01, 1.05, 40)) == pytest.approx(0.03)
    assert stats.floor(stats.Ratio(1 / 1.03, 0.96, 0.98, 40)) == pytest.approx(0.03)
    assert stats.floor(stats.Ratio(1.03, None, None, 40)) == stats.MIN_FLOOR


def main() -> None:
    """Print the coverage on each machine: ``python tests/race/test_statistics.py``."""
    print(f"{RACES} races of {len(RATIOS)} contestants each      intervals that hold       wrong verdicts")
    for machine in MACHINES:
        for processes in PROCESSES:
            missed, wrong = misses(machine, processes, RACES)
            count = RACES * len(RATIOS)
            print(f"{machine.__name__:14} {processes.__name__:22} {1 - missed / count:21.2%} {wrong / count:25.2%}")


if __name__ == "__main__":
    main()
