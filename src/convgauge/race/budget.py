"""Time budget of one race: predicted costs, dropped contestants, and the number of calls and rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convgauge.problem import Problem
from convgauge.race.lives import MIN_LIVES
from convgauge.race.scaled_down import parts, scaled_down

SAMPLE_S = 0.005
"""Seconds that a sample of the baseline should take: caches and clock rate reach a steady state within it."""

LONG_SAMPLE_S = 0.010
"""Seconds above which a sample of a slower contestant is made of fewer calls, down to one."""

MAX_CALL_SHARE = 1 / 30
"""Largest part of a race's seconds for one call: checks, warm-up and the fewest rounds are a dozen calls."""

MIN_MAX_CALL_S = 0.05
"""Seconds of a call that every budget allows."""

FAIR_SHARES = 2
"""Most time of a slow contestant's rounds, in equal shares of the time of all."""

UNTIMED_SHARE = 0.4
"""Largest part of a race's processor seconds for preparing and checking."""

PROBE_S = 2.0
"""Seconds that a call on a part of a problem may take."""

MIN_PROBE_FLOPS = 2_000_000
"""FLOPs of the first part of a problem that is tried: 0.2 s in Python's loops."""

NO_PROBE_FACTOR = 8
"""Factor by which a call may exceed the limit, predicted from earlier problems, before no part of it is tried."""


@dataclass(frozen=True)
class TimeLimits:
    """Limits that follow from a race's share of the budget, in seconds, and the number of parallel workers."""

    share_s: float
    workers: int = 1

    @property
    def max_call_s(self) -> float:
        """Most seconds of one call."""
        return max(MIN_MAX_CALL_S, MAX_CALL_SHARE * self.share_s)

    @property
    def max_untimed_s(self) -> float:
        """Most processor seconds of preparing and checking all contestants."""
        return UNTIMED_SHARE * self.share_s * self.workers


@dataclass(frozen=True)
class Prediction:
    """Predicted seconds of one call, and the text of the problem that the prediction is based on."""

    seconds: float
    basis: str


def predict_cost(
    problem: Problem, max_call_s: float, min_rate: float, probe: Callable[[Problem], float | None]
) -> Prediction:
    """Predict the time of one call by timing parts of the problem.

    A part that is not answered is followed by a larger one, and at last by the problem itself. Two parts are tried if
    the first one is too slow, because its time may be mostly the fixed cost of a call. From the second part, time is
    extrapolated in proportion to the FLOPs above the first.

    Parameters
    ----------
    problem : Problem
        Problem of the race.
    max_call_s : float
        Most seconds of one call.
    min_rate : float
        Fewest seconds per FLOP that were ever predicted for this contestant; infinite if there is no prediction.
    probe : callable
        Returns the seconds of one call on a problem, or None if a part of the problem is not answered.

    Returns
    -------
    Prediction
        Based on "the layers before", without a probe, if ``min_rate`` alone exceeds the limit by `NO_PROBE_FACTOR`.
    """
    flops = problem.flops
    if min_rate < math.inf and min_rate * flops > NO_PROBE_FACTOR * max_call_s:
        return Prediction(min_rate * flops, "the layers before")
    small, small_s = _first_answered(problem, probe)
    large = scaled_down(problem, max(MIN_PROBE_FLOPS, flops // 8))
    predicted = small_s * flops / max(1, small.flops)
    is_affordable = predicted * large.flops / max(1, flops) < PROBE_S
    if predicted <= max_call_s or not small.flops < large.flops < flops or not is_affordable:
        return Prediction(predicted, small.text)
    large_s = probe(large)
    if large_s is None:
        return Prediction(predicted, small.text)
    slope = max(0.0, large_s - small_s) / (large.flops - small.flops)
    return Prediction(large_s + slope * (flops - large.flops), large.text)


def _first_answered(problem: Problem, probe: Callable[[Problem], float | None]) -> tuple[Problem, float]:
    """Return the smallest part of a problem that is answered, and its seconds."""
    answers = ((part, probe(part)) for part in parts(problem, MIN_PROBE_FLOPS))
    part, seconds = next(answer for answer in answers if answer[1] is not None or answer[0] == problem)
    assert seconds is not None, "the probe of the problem itself returns its seconds or raises"
    return part, seconds


def drop_slowest(
    check_seconds: Sequence[float], fixed_s: float, checks: int, max_untimed_s: float, contestants: int
) -> list[int]:
    """Select the contestants whose checks would take the time of the others.

    Parameters
    ----------
    check_seconds : sequence of float
        Seconds of one check of each contestant, without the baseline and its control.
    fixed_s : float
        Seconds of one check of the baseline and its control together.
    checks : int
        Number of checks still to come.
    max_untimed_s : float
        Most processor seconds of all checks together.
    contestants : int
        Number of contestants that started, the baseline and its control included.

    Returns
    -------
    list of int
        Indices of contestants. Each of them would take more than its equal share of ``max_untimed_s``.
    """
    by_cost = sorted(range(len(check_seconds)), key=lambda index: check_seconds[index])
    equal_share = max_untimed_s / contestants
    total = checks * (fixed_s + sum(check_seconds))
    dropped = []
    while by_cost and total > max_untimed_s:
        index = by_cost.pop()
        cost = checks * check_seconds[index]
        total -= cost
        if cost > equal_share:
            dropped.append(index)
    return dropped


def calls_per_sample(call_s: float, baseline_call_s: float) -> int:
    """Return the number of calls of one sample: the same for all contestants, and fewer for slow ones."""
    shared = max(1, math.ceil(SAMPLE_S / max(1e-7, baseline_call_s)))
    return max(1, min(shared, int(LONG_SAMPLE_S / max(1e-7, call_s))))


def max_rounds(sample_s: float, share_s: float, contestants: int) -> int:
    """Return the most rounds of one life, after which a slow contestant waits for the next.

    Parameters
    ----------
    sample_s : float
        Seconds of one sample.
    share_s : float
        Seconds of the race.
    contestants : int
        Number of contestants, the baseline and its control included.
    """
    fair_s = share_s / contestants / MIN_LIVES
    return max(1, int(FAIR_SHARES * fair_s / sample_s))
