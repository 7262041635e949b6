"""Statistics of a race's samples: ratios, intervals, verdicts. Pure functions of numbers.

A round times every contestant once, and several rounds are one life of each contestant. The data of one life are the
logarithms of a contestant's time over the baseline's, round by round: drift and slow bursts, which last longer than a
round, cancel. Their centre (Hodges and Lehmann 1963) is the log ratio of that life: up to 29 % of the rounds may be
disturbed by any amount, and without disturbances it is nearly as precise as the mean.

Log ratios of lives differ by the error of sampling and by the difference between processes. The estimate is their mean,
and the interval is Student's: it covers both errors, whatever their parts (Kalibera and Jones 2013, *Rigorous
benchmarking in reasonable time*, section 9). The variance of few lives is uncertain, so those of earlier races are
taken into account (`convgauge.race.variances`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from convgauge.race.variances import LifeVariance, Prior
from convgauge.terms import RaceVerdict

ERROR_RATE = 0.02
"""Probability that the interval of a ratio misses it, over all looks at the data."""

SAME_MARGIN = 0.02
"""Ratios from 1 / (1 + SAME_MARGIN) to 1 + SAME_MARGIN count as equal."""

MIN_FLOOR = 0.005
"""Smallest deviation from 1 that makes a contestant faster or slower."""

WIDTH_AT_1 = 1.01
"""Factor to either side of a ratio near 1 within which its interval is narrow enough; see `is_conclusive`."""

WIDTH_PER_DOUBLING = 1.05
"""Factor by which that interval may be wider for each doubling or halving of the ratio."""

ESTIMATOR_VARIANCE = math.pi / 3
"""Variance of the Hodges-Lehmann estimate of many normal values, in multiples of their mean's; a median's is pi / 2."""

NO_PRIOR = Prior()

DEVIATION_PER_MEDIAN = 1.4826
"""Standard deviation of normal values, in multiples of the median of their absolute deviations."""


@dataclass(frozen=True)
class Ratio:
    """Time of a contestant over the baseline's.

    Parameters
    ----------
    value : float
        Geometric mean over lives.
    low, high : float or None
        Interval; None if lives are too few.
    rounds : int
        Rounds of all lives.
    lives : int
        Lives of the contestant, each of them with another life of the baseline.
    deviation : float or None
        Standard deviation of the log ratio of a life; None with one life.
    sampling : float or None
        Part of it that is due to sampling; None if no life has two rounds.
    """

    value: float
    low: float | None
    high: float | None
    rounds: int
    lives: int = 0
    deviation: float | None = None
    sampling: float | None = None

    @property
    def between(self) -> float | None:
        """Standard deviation of the log ratio that is due to the processes, without the part of sampling."""
        if self.deviation is None or self.sampling is None:
            return None
        return math.sqrt(max(0.0, self.deviation**2 - self.sampling**2))


@dataclass(frozen=True)
class LifeRatio:
    """Log ratio of one life: centre of its rounds, and the variance of that centre (None with one round)."""

    log: float
    rounds: int
    variance: float | None


def life_ratio(times: Sequence[float], *references: Sequence[float]) -> LifeRatio:
    """Return the log ratio of one life to processes of the baseline, all in seconds and paired round by round.

    It is the mean of those to each process: delays make times skewed, and only the difference of two times with the
    same distribution is symmetric, so that its centre is 0.
    """
    count = min(len(times), *map(len, references))
    logs = [np.log(np.asarray(times[:count])) - np.log(np.asarray(reference[:count])) for reference in references]
    log = sum(map(centre, logs)) / len(logs)
    if count < 2:
        return LifeRatio(log, count, None)
    mean = np.mean(logs, axis=0)
    deviation = DEVIATION_PER_MEDIAN * float(np.median(np.abs(mean - np.median(mean))))
    return LifeRatio(log, count, ESTIMATOR_VARIANCE * deviation**2 / count)


def centre(values: NDArray[np.float64]) -> float:
    """Return the Hodges-Lehmann estimate: the median of the means of all pairs, each value with itself included."""
    first, second = np.triu_indices(len(values))
    return float(np.median(values[first] + values[second])) / 2


def variances(ratios: Sequence[Sequence[LifeRatio]]) -> list[LifeVariance]:
    """Return the variance of each ratio's lives, without those that have one life or whose lives have one round."""
    result = []
    for lives in ratios:
        sampling = mean_variance(lives)
        if len(lives) > 1 and sampling is not None:
            rounds = sum(life.rounds for life in lives) / len(lives)
            result.append(LifeVariance(observed_variance(lives), len(lives) - 1, sampling, rounds))
    return result


def observed_variance(lives: Sequence[LifeRatio]) -> float:
    """Return the variance among the log ratios of at least two lives."""
    return float(np.var([life.log for life in lives], ddof=1))


def mean_variance(lives: Sequence[LifeRatio]) -> float | None:
    """Return the part of that variance which is due to sampling; None if no life has two rounds."""
    variances = [life.variance for life in lives if life.variance is not None]
    return sum(variances) / len(variances) if variances else None


def joined(group: Sequence[LifeRatio]) -> LifeRatio:
    """Return the mean of log ratios that count as one life."""
    variance = mean_variance(group)
    mean = sum(life.log for life in group) / len(group)
    return LifeRatio(mean, sum(life.rounds for life in group), None if variance is None else variance / len(group))


def ratio(lives: Sequence[LifeRatio], error: float, prior: Prior = NO_PRIOR) -> Ratio:
    """Return the ratio of a contestant and its interval.

    Parameters
    ----------
    lives : sequence of LifeRatio
        At least one; independent of each other.
    error : float
        Probability that the interval misses the ratio.
    prior : Prior
        Variance of a life's log ratio that earlier races make likely.
    """
    rounds, mean = sum(life.rounds for life in lives), float(np.mean([life.log for life in lives]))
    sampling = mean_variance(lives)
    sampling_deviation = None if sampling is None else math.sqrt(sampling)
    freedom = len(lives) - 1
    if not freedom:
        return Ratio(math.exp(mean), None, None, rounds, 1, None, sampling_deviation)
    observed = observed_variance(lives)
    variance, total_freedom = prior.moderate(observed, freedom, sampling)
    half_width = float(special.stdtrit(total_freedom, 1 - error / 2)) * math.sqrt(variance / len(lives))
    low, high = math.exp(mean - half_width), math.exp(mean + half_width)
    return Ratio(math.exp(mean), low, high, rounds, len(lives), math.sqrt(observed), sampling_deviation)


def error_share(look: int, *, is_last: bool) -> float:
    """Return the error of the interval at the ``look``-th look, from 1: ERROR_RATE / 2**(look + 1), or the rest.

    The last look has the rest, which is at least half of it. The shares add up to ERROR_RATE, so that stopping as soon
    as the result is clear does not raise the rate of wrong results. The time decides which look is the last, not the
    data.
    """
    return ERROR_RATE * (0.5 + 0.5**look if is_last else 0.5 ** (look + 1))


def looks(first: int) -> Iterator[int]:
    """Yield the numbers of lives at which to look at the data: ``first``, and twice the number before."""
    while True:
        yield first
        first *= 2


def noise(control: Ratio) -> float:
    """Return the deviation from 1 of the baseline's ratio to itself; 0.02 is 2 %."""
    return math.exp(abs(math.log(control.value))) - 1


def floor(control: Ratio) -> float:
    """Return the smallest deviation from 1 that makes a contestant faster or slower.

    It is `MIN_FLOOR`; if the control's interval does not hold 1, intervals of this race are too narrow, and
    it is the control's deviation.
    """
    if control.low is None or control.high is None or control.low <= 1 <= control.high:
        return MIN_FLOOR
    return max(MIN_FLOOR, noise(control))


def verdict(estimate: Ratio, floor: float = MIN_FLOOR) -> RaceVerdict:
    """Return the verdict of a ratio's interval.

    Parameters
    ----------
    estimate : Ratio
        Ratio with its interval.
    floor : float
        Deviation from 1 that is no difference (`floor`).

    Returns
    -------
    RaceVerdict
        "same" if interval and floor are within `SAME_MARGIN`, "faster" or "slower" if the interval is beyond the
        floor, otherwise "undecided".
    """
    if estimate.low is None or estimate.high is None:
        return "undecided"
    margin = 1 + SAME_MARGIN
    if floor <= SAME_MARGIN and 1 / margin <= estimate.low and estimate.high <= margin:
        return "same"
    if estimate.low > 1 + floor:
        return "slower"
    if estimate.high < 1 / (1 + floor):
        return "faster"
    return "undecided"


def is_conclusive(estimate: Ratio, floor: float = MIN_FLOOR) -> bool:
    """Return True if more lives would not help: there is a verdict, and the interval is narrow enough.

    A ratio close to 1 is measured to `WIDTH_AT_1`; for four times slower or faster, a wider interval is enough.
    """
    if verdict(estimate, floor) == "undecided":
        return False
    assert estimate.low is not None
    assert estimate.high is not None
    width = math.log(WIDTH_AT_1) + math.log(WIDTH_PER_DOUBLING) * abs(math.log2(estimate.value))
    return math.log(estimate.high / estimate.low) <= 2 * width
