"""From samples to verdicts: ratios, conclusive entrants, and verdicts with their reasons."""

from __future__ import annotations

import statistics

from convgauge.race import statistics as stats
from convgauge.race.entrant import Entrant, Lineup
from convgauge.terms import RaceVerdict

MAX_DISTURBANCE = 1.5
"""Largest factor, up or down, between an entrant's time in the race and alone, relative to the baseline's factor."""


def weigh(lineup: Lineup, look: int, floor: float) -> float | None:
    """Look at the data: estimate the ratios of all entrants, and mark those that need no more rounds.

    Parameters
    ----------
    lineup : Lineup
        Entrants. Their ``ratio`` and ``is_conclusive`` are set.
    look : int
        Number of this look at the data, from 1; it determines the error of each interval.
    floor : float
        Noise floor from the controls of earlier races (`stats.pooled_floor`).

    Returns
    -------
    float or None
        Noise of this race, by its control; None if the control has no samples.
    """
    error = stats.error_share(look, len(lineup.others))
    for entrant in (lineup.control, *lineup.others):
        if not entrant.verdict and not entrant.is_conclusive and entrant.seconds:
            entrant.ratio = stats.ratio(entrant.seconds, lineup.baseline.seconds, error)
    noise = None if lineup.control.ratio is None else stats.noise_floor(lineup.control.ratio)
    for entrant in lineup.compared:
        if entrant.ratio is not None and noise is not None:
            is_clear = stats.is_conclusive(entrant.ratio, noise, floor)
            entrant.is_conclusive = is_clear and is_audited(entrant, lineup.baseline)
    return noise


def is_audited(entrant: Entrant, baseline: Entrant) -> bool:
    """Return True if a clock that hides time would have been noticed, or if the ratio makes no such claim."""
    expected_s = entrant.iterations * statistics.median(baseline.seconds)
    return entrant.ratio is None or entrant.audit.would_notice(entrant.ratio.value, expected_s)


def verdict(entrant: Entrant, baseline: Entrant, noise: float, floor: float) -> tuple[RaceVerdict, str]:
    """Return the verdict on an entrant with a ratio, and the reason if it is undecided.

    Parameters
    ----------
    entrant, baseline : Entrant
        Both with samples.
    noise, floor : float
        Noise of this race, and noise floor of earlier races, as deviations from a ratio of 1.
    """
    ratio = entrant.ratio
    assert ratio is not None
    if ratio.low is None:
        return "undecided", f"only {ratio.rounds} rounds fitted into the budget: too few for an interval"
    decision = stats.verdict(ratio, noise, floor)
    if decision == "faster" and not is_audited(entrant, baseline):
        return "undecided", f"{ratio.rounds} rounds are too few to notice a clock that hides time"
    if decision == "undecided":
        limit = max(noise, floor, stats.MIN_FLOOR)
        return decision, (
            f"the interval reaches across the verdicts' limits (noise {limit:.1%}, margin {stats.SAME_MARGIN:.0%})"
        )
    return decision, ""


def disturbance(entrant: Entrant, baseline: Entrant) -> float:
    """Return the entrant's time in the race over its time alone, divided by the same factor of the baseline."""
    entrant_factor, baseline_factor = (
        statistics.median(each.seconds) / (each.alone_seconds or 1.0) for each in (entrant, baseline)
    )
    return entrant_factor / baseline_factor


def is_disturbed(factor: float) -> bool:
    """Return True if a disturbance exceeds `MAX_DISTURBANCE`."""
    return max(factor, 1 / factor) > MAX_DISTURBANCE
