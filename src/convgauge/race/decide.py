"""From samples to verdicts: ratios, conclusive entrants, and verdicts with their reasons."""

from __future__ import annotations

import statistics

from convgauge.race import statistics as stats
from convgauge.race.entrant import Entrant, Lineup
from convgauge.race.formats import format_ratio
from convgauge.race.lives import MIN_LIVES
from convgauge.race.variances import VariancePool
from convgauge.terms import RaceVerdict

MAX_DISTURBANCE = 1.5
"""Largest factor, up or down, between an entrant's time in the race and alone, relative to the baseline's factor."""


def weigh(lineup: Lineup, error: float, variances: VariancePool) -> None:
    """Look at the data: estimate the ratios of all entrants, and mark those that need no more lives.

    Parameters
    ----------
    lineup : Lineup
        Entrants. Their ``ratio`` and ``is_conclusive`` are set.
    error : float
        Probability that an interval misses its ratio (`stats.error_share`).
    variances : VariancePool
        Variances of earlier races.
    """
    weighed = [
        (entrant, lives)
        for entrant in (lineup.control, *lineup.others)
        if entrant.is_undecided and (lives := life_ratios(entrant, lineup))
    ]
    prior = variances.prior(stats.variances([lives for _, lives in weighed]))
    for entrant, lives in weighed:
        entrant.ratio = stats.ratio(lives, error, prior)
    if lineup.control.ratio is None:
        return
    floor = stats.floor(lineup.control.ratio)
    for entrant in lineup.compared:
        if entrant.ratio is not None:
            is_clear = stats.is_conclusive(entrant.ratio, floor)
            entrant.is_conclusive = is_clear and is_audited(entrant, lineup.baseline)


def life_ratios(entrant: Entrant, lineup: Lineup) -> list[stats.LifeRatio]:
    """Return the log ratios of an entrant's lives, each to the baseline's life at the same time.

    The control is the baseline in another process, so that all others are compared with both: the variance of two is
    half as large. Lives of processes that take turns are not independent: those of one process count as one.
    """
    baseline, control = lineup.baseline, lineup.control
    references = [baseline] if entrant is control else [baseline, control]
    are_lasting = any(each.contestant.has_lasting_lives for each in (entrant, *references))
    groups: dict[int, list[stats.LifeRatio]] = {}
    for number, lives in enumerate(zip(entrant.lives, *(each.lives for each in references), strict=False)):
        if all(lives):
            group = groups.setdefault(number % MIN_LIVES if are_lasting else number, [])
            group.append(stats.life_ratio(*lives))
    return [stats.joined(group) for group in groups.values()]


def is_audited(entrant: Entrant, baseline: Entrant) -> bool:
    """Return True if a clock that hides time would have been noticed, or if the ratio makes no such claim."""
    expected_s = entrant.iterations * statistics.median(baseline.seconds)
    return entrant.ratio is None or entrant.audit.would_notice(entrant.ratio.value, expected_s)


def verdict(entrant: Entrant, baseline: Entrant, floor: float) -> tuple[RaceVerdict, str]:
    """Return the verdict on an entrant with a ratio, and the reason if it is undecided.

    Parameters
    ----------
    entrant, baseline : Entrant
        Both with samples.
    floor : float
        Deviation from a ratio of 1 that is no difference (`stats.floor`).
    """
    ratio = entrant.ratio
    assert ratio is not None
    if ratio.low is None:
        return "undecided", "only one life of each fitted into the budget: too few for an interval"
    if is_disturbed(entrant.disturbance):
        return "undecided", (
            f"in the race it takes {entrant.disturbance:.2g} times as long as alone (the baseline's own factor divided"
            " out): the race disturbs it"
        )
    decision = stats.verdict(ratio, floor)
    if decision == "faster" and not is_audited(entrant, baseline):
        return "undecided", f"{ratio.rounds} rounds are too few to notice a clock that hides time"
    if decision == "undecided":
        return decision, (
            f"the interval reaches across the verdicts' limits (floor {floor:.1%}, margin {stats.SAME_MARGIN:.0%})"
        )
    return decision, ""


def lane_note(entrant: Entrant, baseline: Entrant) -> str:
    """Return the reason why an entrant of another precision is not ranked, and what its rank would have been."""
    errors, baseline_errors = (
        f"{each.lane.name or 'full precision'} (typical error {each.precision:.2g})" for each in (entrant, baseline)
    )
    ratio = entrant.ratio
    assert ratio is not None
    rank = f"; it would have been {entrant.verdict}, {format_ratio(ratio.value, ratio.low, ratio.high)}"
    return f"its errors are those of {errors}, the baseline's of {baseline_errors}: they are not ranked together{rank}"


def disturbance(entrant: Entrant, baseline: Entrant) -> float:
    """Return the entrant's time in the race over its time alone, divided by the same factor of the baseline."""
    entrant_factor, baseline_factor = (
        statistics.median(each.seconds) / (each.alone_seconds or 1.0) for each in (entrant, baseline)
    )
    return entrant_factor / baseline_factor


def is_disturbed(factor: float) -> bool:
    """Return True if a disturbance exceeds `MAX_DISTURBANCE`."""
    return max(factor, 1 / factor) > MAX_DISTURBANCE
