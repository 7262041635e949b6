"""What a race's samples show: ratios, intervals, verdicts. Pure functions of numbers.

A round times every contestant once. The logarithms of a contestant's times over the baseline's, round by round, are
the data: drift and slow bursts, which last longer than a round, leave them alone. Their median is estimated with the
interval that inverts the sign test (Thompson 1936; Conover, *Practical Nonparametric Statistics*, section 3.2): it
asks for independent rounds and nothing else, no symmetry, no normality, no finite variance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from convgauge.terms import RaceVerdict

ERROR_RATE = 0.05
"""The chance that any interval of a race misses its ratio, over all comparisons and all looks at the data."""

MARGIN = 0.02
"""Ratios between 1 / (1 + MARGIN) and 1 + MARGIN count as equal: what differs by 3 % is to be told apart, and a
hundredth is left for what two processes of one kernel differ by."""

LEAST_FLOOR = 0.01
"""Nobody is faster or slower by less. Processes of one kernel differ by the pages and addresses that they got, which
more rounds do not mend, and a single control may come out close to 1 by chance."""

FEW_FLOORS = 5
"""Races from whose controls on their spread is judged."""

NEAR, FAR = 1.015, 1.05
"""A contestant stays in the race until its interval reaches NEAR to either side at most, and FAR more for each doubling
of the ratio; see `settled`."""


@dataclass(frozen=True)
class Ratio:
    """A contestant's time over the baseline's: median over ``rounds``, interval (None while rounds are too few)."""

    value: float
    low: float | None
    high: float | None
    rounds: int


def rank(count: int, error: float) -> int:
    """How many of ``count`` ordered values the sign test's interval leaves out at each end; -1 where it leaves none.

    The largest r with 2 P(Binomial(count, 1/2) <= r) <= error; the interval is then from the (r + 1)th smallest value
    to the (r + 1)th largest, and holds the median with probability 1 - error at least.
    """
    tail = 0.0
    for r in range(count // 2 + 1):
        tail += math.exp(math.lgamma(count + 1) - math.lgamma(r + 1) - math.lgamma(count - r + 1) - count * math.log(2))
        if 2 * tail > error:
            return r - 1
    return count // 2


def fewest_rounds(error: float) -> int:
    """Rounds below which there is no interval: the least n with 2 * 2**-n <= error."""
    return math.ceil(1 - math.log2(error))


def sign_interval(values: Sequence[float], error: float) -> tuple[float, float] | None:
    """The sign test's interval, missing the median with probability ``error`` at most; None for too few values."""
    left_out = rank(len(values), error)
    if left_out < 0:
        return None
    ordered = sorted(values)
    return ordered[left_out], ordered[-1 - left_out]


def rank_interval(times: Sequence[float], baseline: Sequence[float], error: float) -> tuple[float, float] | None:
    """The interval for the log ratio that inverts the rank-sum test (Mann and Whitney 1947); None for too few values.

    For a contestant so slow that it has time for a few rounds only, of which the baseline has many: were the ratio
    outside, all of its k times would have to rank above, or below, all n of the baseline's, one chance in
    C(n + k, k) on either side. It holds every round's own ratio, so drift does not empty it.
    """
    if not len(times) or error * math.comb(len(times) + len(baseline), len(times)) < 2:
        return None
    return math.log(min(times) / max(baseline)), math.log(max(times) / min(baseline))


def error_share(look: int, comparisons: int) -> float:
    """The error allowed to one interval at the ``look``-th look (from 1): ERROR_RATE / (comparisons look (look + 1)).

    The shares add up to ERROR_RATE over all comparisons (Bonferroni) and all looks (the sum of 1 / (k (k + 1)) is 1),
    so that stopping when the answer is in does not raise the rate of wrong answers.
    """
    return ERROR_RATE / max(1, comparisons) / (look * (look + 1))


def looks(comparisons: int, growth: float = 1.5) -> Iterator[int]:
    """At how many rounds to look: the first at which there is an interval at all, then each ``growth`` times later."""
    at = fewest_rounds(error_share(1, comparisons))
    look = 1
    while True:
        yield at
        look += 1
        at = max(math.ceil(at * growth), fewest_rounds(error_share(look, comparisons)))


def ratio(times: Sequence[float], baseline: Sequence[float], error: float) -> Ratio:
    """The ratio of ``times`` to ``baseline``, paired round by round (the longer of the two is cut). Seconds in both.

    The interval is the sign test's, or where rounds are too few the rank-sum test's over all of the baseline's rounds.
    """
    count = min(len(times), len(baseline))
    logs = np.log(np.asarray(times[:count])) - np.log(np.asarray(baseline[:count]))
    interval = sign_interval(logs.tolist(), error) or rank_interval(times, baseline, error)
    value = math.exp(float(np.median(logs)))
    if interval is None:
        return Ratio(value, None, None, count)
    return Ratio(value, math.exp(interval[0]), math.exp(interval[1]), count)


def noise_floor(control: Ratio) -> float:
    """How far from 1 the baseline's ratio to itself came out; 0.02 is 2 %."""
    return math.exp(abs(math.log(control.value))) - 1


def pooled_floor(noises: Sequence[float]) -> float:
    """The floor that the controls of earlier races give together, from FEW_FLOORS on; else 0.

    A control and a contestant that equals the baseline deviate alike: each is one process held against another. Twice
    the deviations' spread is 2 / 0.6745 of the median of their sizes, were they normal; 5 % of all lie beyond.
    """
    return 2 / 0.6745 * float(np.median(noises)) if len(noises) >= FEW_FLOORS else 0.0


def verdict(seen: Ratio, noise: float, floor: float = 0.0, margin: float = MARGIN) -> RaceVerdict:
    """What a ratio's interval says, where the race's own control gives ``noise`` and earlier ones ``floor``.

    "same" where it lies within the margin, "faster" or "slower" where it lies beyond the noise, the floor and
    LEAST_FLOOR, else "undecided". "same" needs noise within the margin.
    """
    if seen.low is None or seen.high is None:
        return "undecided"
    if noise <= margin and 1 / (1 + margin) <= seen.low and seen.high <= 1 + margin:
        return "same"
    beyond = 1 + max(noise, floor, LEAST_FLOOR)
    if seen.low > beyond:
        return "slower"
    if seen.high < 1 / beyond:
        return "faster"
    return "undecided"


def settled(seen: Ratio, noise: float, floor: float = 0.0, margin: float = MARGIN) -> bool:
    """Whether more rounds would add nothing worth having: a verdict, and an interval that is narrow enough.

    Close to 1 a ratio is to be known to NEAR; four times slower or faster, a wider interval will do.
    """
    if verdict(seen, noise, floor, margin) == "undecided":
        return False
    assert seen.low is not None
    assert seen.high is not None
    enough = math.log(NEAR) + math.log(FAR) * abs(math.log2(seen.value))
    return math.log(seen.high / seen.low) <= 2 * enough
