"""Statistics of a race's samples: ratios, intervals, verdicts. Pure functions of numbers.

A round times every contestant once. The data are, round by round, the logarithms of a contestant's time over the
baseline's: drift and slow bursts, which last longer than a round, cancel. Their median is estimated with the interval
that inverts the sign test (Thompson 1936; Conover, *Practical Nonparametric Statistics*, section 3.2). It assumes
independent rounds and nothing else: no symmetry, no normality, no finite variance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from convgauge.terms import RaceVerdict

ERROR_RATE = 0.05
"""Probability that any interval of a race misses its ratio, over all comparisons and all looks at the data."""

SAME_MARGIN = 0.02
"""Ratios from 1 / (1 + SAME_MARGIN) to 1 + SAME_MARGIN count as equal. A difference of 3 % is to be detected, and 1 %
is left for the difference between two processes of one kernel."""

MIN_FLOOR = 0.01
"""Smallest deviation from 1 that makes a contestant faster or slower. Processes of one kernel differ by their pages and
addresses, which more rounds do not change, and a single control may come out close to 1 by chance."""

MIN_CONTROLS = 5
"""Number of A/A controls needed before their pooled spread sets the noise floor."""

WIDTH_AT_1 = 1.015
"""Factor to either side of a ratio near 1 within which its interval is narrow enough; see `is_conclusive`."""

WIDTH_PER_DOUBLING = 1.05
"""Factor by which that interval may be wider for each doubling or halving of the ratio."""


@dataclass(frozen=True)
class Ratio:
    """Time of a contestant over the baseline's: median over ``rounds``, and interval (None if rounds are too few)."""

    value: float
    low: float | None
    high: float | None
    rounds: int


def rank(count: int, error: float) -> int:
    """Return how many of ``count`` ordered values the sign test's interval omits at each end.

    Parameters
    ----------
    count : int
        Number of values.
    error : float
        Probability that the interval misses the median.

    Returns
    -------
    int
        The largest r with 2 P(Binomial(count, 1/2) <= r) <= error, or -1 if there is no interval. The interval
        reaches from the (r + 1)th smallest value to the (r + 1)th largest.
    """
    tail = 0.0
    for r in range(count // 2 + 1):
        tail += math.exp(math.lgamma(count + 1) - math.lgamma(r + 1) - math.lgamma(count - r + 1) - count * math.log(2))
        if 2 * tail > error:
            return r - 1
    return count // 2


def fewest_rounds(error: float) -> int:
    """Return the number of rounds below which there is no interval: the least n with 2 * 2**-n <= error."""
    return math.ceil(1 - math.log2(error))


def sign_interval(values: Sequence[float], error: float) -> tuple[float, float] | None:
    """Return the sign test's interval, which misses the median with probability ``error`` or less.

    Returns
    -------
    tuple of float, or None
        (low, high), or None if there are too few values.
    """
    omitted = rank(len(values), error)
    if omitted < 0:
        return None
    ordered = sorted(values)
    return ordered[omitted], ordered[-1 - omitted]


def rank_interval(times: Sequence[float], baseline: Sequence[float], error: float) -> tuple[float, float] | None:
    """Return the interval for the log ratio that inverts the rank-sum test (Mann and Whitney 1947).

    It is for a contestant so slow that it has time for a few rounds only, of which the baseline has many. If the ratio
    were outside, all of its k times would have to rank above, or below, all n of the baseline's: one chance in
    C(n + k, k) on either side. The interval contains every round's own ratio, so drift does not empty it.

    Parameters
    ----------
    times, baseline : sequence of float
        Seconds, not paired.
    error : float
        Probability that the interval misses the ratio.

    Returns
    -------
    tuple of float, or None
        (low, high) of the logarithm, or None if there are too few values.
    """
    if not len(times) or error * math.comb(len(times) + len(baseline), len(times)) < 2:
        return None
    return math.log(min(times) / max(baseline)), math.log(max(times) / min(baseline))


def error_share(look: int, comparisons: int) -> float:
    """Return the error of one interval at the ``look``-th look (from 1): ERROR_RATE / (comparisons look (look + 1)).

    The shares add up to ERROR_RATE over all comparisons (Bonferroni) and all looks (the sum of 1 / (k (k + 1)) is 1).
    So stopping as soon as the result is clear does not raise the rate of wrong results.
    """
    return ERROR_RATE / max(1, comparisons) / (look * (look + 1))


def looks(comparisons: int) -> Iterator[int]:
    """Yield the numbers of rounds at which to look at the data.

    The first is the least at which there is an interval; each of the others is 1.5 times the one before.
    """
    rounds = fewest_rounds(error_share(1, comparisons))
    look = 1
    while True:
        yield rounds
        look += 1
        rounds = max(math.ceil(1.5 * rounds), fewest_rounds(error_share(look, comparisons)))


def ratio(times: Sequence[float], baseline: Sequence[float], error: float) -> Ratio:
    """Return the ratio of ``times`` to ``baseline``, paired round by round.

    Parameters
    ----------
    times, baseline : sequence of float
        Seconds; the end of the longer sequence is not used.
    error : float
        Probability that the interval misses the ratio.

    Returns
    -------
    Ratio
        With the sign test's interval, or, if rounds are too few for it, the rank-sum test's over all rounds of the
        baseline.
    """
    count = min(len(times), len(baseline))
    logs = np.log(np.asarray(times[:count])) - np.log(np.asarray(baseline[:count]))
    interval = sign_interval(logs.tolist(), error) or rank_interval(times, baseline, error)
    value = math.exp(float(np.median(logs)))
    if interval is None:
        return Ratio(value, None, None, count)
    return Ratio(value, math.exp(interval[0]), math.exp(interval[1]), count)


def noise_floor(control: Ratio) -> float:
    """Return the deviation from 1 of the baseline's ratio to itself; 0.02 is 2 %."""
    return math.exp(abs(math.log(control.value))) - 1


def pooled_floor(noises: Sequence[float]) -> float:
    """Return the noise floor from the controls of earlier races; 0 if there are fewer than `MIN_CONTROLS`.

    A control and a contestant that equals the baseline have the same deviation: each is one process compared with
    another. Twice the deviations' spread is 2 / 0.6745 of the median of their sizes if they are normal; 5 % of all
    deviations are larger.
    """
    return 2 / 0.6745 * float(np.median(noises)) if len(noises) >= MIN_CONTROLS else 0.0


def verdict(estimate: Ratio, noise: float, floor: float = 0.0) -> RaceVerdict:
    """Return the verdict of a ratio's interval.

    Parameters
    ----------
    estimate : Ratio
        Ratio with its interval.
    noise : float
        Deviation of this race's control from 1.
    floor : float
        Noise floor from the controls of earlier races.

    Returns
    -------
    RaceVerdict
        "same" if noise and interval are within `SAME_MARGIN`, "faster" or "slower" if the interval is beyond the
        noise, the floor and `MIN_FLOOR`, otherwise "undecided".
    """
    if estimate.low is None or estimate.high is None:
        return "undecided"
    margin = 1 + SAME_MARGIN
    if noise <= SAME_MARGIN and 1 / margin <= estimate.low and estimate.high <= margin:
        return "same"
    limit = 1 + max(noise, floor, MIN_FLOOR)
    if estimate.low > limit:
        return "slower"
    if estimate.high < 1 / limit:
        return "faster"
    return "undecided"


def is_conclusive(estimate: Ratio, noise: float, floor: float = 0.0) -> bool:
    """Return True if more rounds would not help: there is a verdict, and the interval is narrow enough.

    A ratio close to 1 is measured to `WIDTH_AT_1`; for four times slower or faster, a wider interval is enough.
    """
    if verdict(estimate, noise, floor) == "undecided":
        return False
    assert estimate.low is not None
    assert estimate.high is not None
    width = math.log(WIDTH_AT_1) + math.log(WIDTH_PER_DOUBLING) * abs(math.log2(estimate.value))
    return math.log(estimate.high / estimate.low) <= 2 * width
