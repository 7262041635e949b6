"""Variances of other ratios: how far log ratios of lives differ on this machine, and how much that varies.

Four lives say little about their own variance: Student's quantile for an error of 1 % is 5.8 with three degrees of
freedom, and 2.6 with many. The other contestants and the layers before had lives too. The variance of a life has a part
that is due to sampling, which its rounds show, and a part that is due to the process, which is expected to be as for
the others. The more they differ from what is expected, the less they say about another one. The model is Smyth's
(2004, *Linear models and empirical Bayes methods for assessing differential expression*, sections 4 and 6.2): variances
over their expectation are drawn from a scaled inverse chi-squared distribution, whose parameters are fitted to the
logarithms of those that were observed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import special

MIN_RATIOS = 6
"""Ratios from which an expectation is formed."""

USUAL = 0.9
"""Part of the observations that are combined with the expectation. Lives of a ratio that vary more are disturbed, and
their variance counts alone."""

SHARED_PART = 1 / 3
"""Part of a ratio's variance that is due to the baseline, and so the same for all ratios of a race: half of what one
contestant's process has, as the baseline and its control are averaged, of one and a half."""

MIN_VARIANCE = 1e-10
"""Smallest variance of log ratios: the square of the relative error to which times are rounded."""


@dataclass(frozen=True)
class Prior:
    """Expectation of the variance of a life's log ratio before lives are observed.

    Parameters
    ----------
    between : float
        Variance between lives that is not due to sampling.
    scale : float
        Factor between the likely variance and the sum of ``between`` and that of sampling.
    freedom : float
        Degrees of freedom that the expectation is worth.
    """

    between: float = 0.0
    scale: float = 1.0
    freedom: float = 0.0

    def moderate(self, observed: float, freedom: int, sampling: float | None) -> tuple[float, float]:
        """Return the likely variance after an observation, and its degrees of freedom.

        Parameters
        ----------
        observed : float
            Variance among lives.
        freedom : int
            Degrees of freedom of the observation.
        sampling : float or None
            Part of the variance that is due to sampling; without it, the expectation is worth nothing.
        """
        observed = max(observed, MIN_VARIANCE)
        if sampling is None or not self.freedom:
            return observed, freedom
        expected = self.scale * max(self.between + sampling, MIN_VARIANCE)
        if special.fdtr(freedom, self.freedom, observed / expected) > USUAL:
            return observed, freedom
        total = self.freedom + freedom
        return (self.freedom * expected + freedom * observed) / total, total


@dataclass(frozen=True)
class LifeVariance:
    """Variance of the log ratio of a life of one contestant in one race.

    Parameters
    ----------
    observed : float
        Variance among lives.
    freedom : int
        Number of lives less one.
    sampling : float
        Part of it that is due to sampling.
    rounds : float
        Rounds of a life.
    """

    observed: float
    freedom: int
    sampling: float
    rounds: float


@dataclass
class VariancePool:
    """Variances of the races so far; the list of each race is added after it."""

    races: list[list[LifeVariance]] = field(default_factory=list)

    def add(self, race: Sequence[LifeVariance]) -> None:
        """Add the variances of a race."""
        if race:
            self.races.append(list(race))

    @property
    def _all(self) -> list[LifeVariance]:
        return [variance for race in self.races for variance in race]

    @property
    def per_round(self) -> float:
        """Median variance of a log ratio in one round; 0 before the first race."""
        return float(np.median([variance.sampling * variance.rounds for variance in self._all] or [0.0]))

    @property
    def between(self) -> float:
        """Variance between lives that is not due to sampling, median over ratios; 0 before the first race."""
        return max(0.0, float(np.median([variance.observed - variance.sampling for variance in self._all] or [0.0])))

    def prior(self, race: Sequence[LifeVariance] = ()) -> Prior:
        """Return the expectation for a ratio, from earlier races and from the ratios of the current race.

        It is worth nothing if there are few ratios. The shared part of the ratios of one race is known with the freedom
        of one ratio; if it is misjudged, so is the expectation, by `SHARED_PART` of that.
        """
        races = [*self.races, list(race)] if race else self.races
        pooled = [variance for each in races for variance in each]
        if len(pooled) < MIN_RATIOS:
            return Prior()
        between = max(0.0, float(np.median([variance.observed - variance.sampling for variance in pooled])))
        factors = [variance.observed / max(between + variance.sampling, MIN_VARIANCE) for variance in pooled]
        scale, freedom = fit(factors, [variance.freedom for variance in pooled])
        shared = sum(float(np.mean([variance.freedom for variance in each])) for each in races) / SHARED_PART**2
        return Prior(between, scale, min(freedom, shared))


def fit(variances: Sequence[float], freedoms: Sequence[int]) -> tuple[float, float]:
    """Fit the distribution from which variances were drawn, by the moments of their logarithms.

    Parameters
    ----------
    variances : sequence of float
        Each is the sample variance of normal values whose own variance was drawn from the distribution.
    freedoms : sequence of int
        Degrees of freedom of each.

    Returns
    -------
    tuple of float
        Scale and degrees of freedom; those are infinite if the variances differ no more than equal ones would.
    """
    half = np.asarray(freedoms, float) / 2
    logs = np.log(np.maximum(variances, MIN_VARIANCE)) - special.digamma(half) + np.log(half)
    spread = float(logs.var(ddof=1) - special.polygamma(1, half).mean())
    if spread <= 0:
        return math.exp(float(logs.mean())), math.inf
    freedom = 2 * inverse_trigamma(spread)
    return math.exp(float(logs.mean() + special.digamma(freedom / 2) - math.log(freedom / 2))), freedom


def inverse_trigamma(value: float) -> float:
    """Return the positive y with trigamma(y) = ``value``, by Newton's method for 1 / trigamma.

    Source: Smyth 2004, appendix.
    """
    y = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, y))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, y))
        y += step
        if abs(step) <= 1e-10 * y:
            break
    return y
