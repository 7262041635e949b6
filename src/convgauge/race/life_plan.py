"""Number of rounds of the next life, from what lives and rounds cost and how much each varies."""

from __future__ import annotations

import math
from dataclasses import dataclass

from convgauge.race.lives import MIN_LIVES

MAX_LIFE_SHARE = 1 / 8
"""Largest part of a race's seconds for the rounds of one life, so that twice `MIN_LIVES` lives are possible."""

MIN_ROUNDS = 5
"""Fewest rounds of a life after the first `MIN_LIVES`: their median is hardly affected by one that is disturbed."""


@dataclass(frozen=True)
class LifePlan:
    """Rounds of the next life of each entrant, and the seconds that they may take; no rounds if there is no time."""

    rounds: int
    seconds: float


@dataclass(frozen=True)
class LifeCosts:
    """Seconds to begin and end a life of each entrant, and seconds of one round."""

    life_s: float
    round_s: float

    def best_rounds(self, per_round: float, between: float) -> float:
        """Return the rounds of a life with which the variance of the mean is least at equal cost.

        That is the square root of (sampling variance of a round / variance between lives) times (cost of a life / cost
        of a round), infinite without a difference between lives (Kalibera and Jones 2013, section 8).

        Parameters
        ----------
        per_round : float
            Variance of a log ratio in one round.
        between : float
            Variance of log ratios of lives that is not due to sampling.
        """
        return math.sqrt(per_round / between * self.life_s / self.round_s) if between > 0 else math.inf


def plan_life(lives: int, remaining_s: float, costs: LifeCosts, best_rounds: float, share_s: float) -> LifePlan:
    """Plan the next life.

    Parameters
    ----------
    lives : int
        Lives so far. The first one has begun before it is planned.
    remaining_s : float
        Seconds that are left for rounds and for beginning lives.
    costs : LifeCosts
        Costs of a life and of a round.
    best_rounds : float
        Rounds of a life with which the ratio's error is least.
    share_s : float
        Seconds of the race.
    """
    lives_left = max(1, MIN_LIVES - lives)
    begins_left = lives_left if lives else lives_left - 1
    seconds = min((remaining_s - begins_left * costs.life_s) / lives_left, MAX_LIFE_SHARE * share_s)
    affordable = int(seconds / costs.round_s)
    if lives >= MIN_LIVES and affordable < MIN_ROUNDS:
        return LifePlan(0, 0.0)
    rounds = math.ceil(min(affordable, max(MIN_ROUNDS, best_rounds)))
    return LifePlan(max(1, rounds), max(0.0, seconds))
