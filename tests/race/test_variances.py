"""Tests of the expectation of variances, on variances that are drawn from known distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from convgauge.race.variances import MIN_RATIOS, SHARED_PART, LifeVariance, Prior, VariancePool, fit, inverse_trigamma


def pool_of(observed: np.ndarray, sampling: float = 0.0, freedom: int = 3) -> VariancePool:
    """Return a pool of races with two ratios each."""
    pool = VariancePool()
    for first, second in observed.reshape(-1, 2):
        pool.add([LifeVariance(float(value), freedom, sampling, 10.0) for value in (first, second)])
    return pool


def test_the_inverse_of_trigamma() -> None:
    for value in (1e-4, 0.1, 1.0, 10.0, 1e4):
        assert special.polygamma(1, inverse_trigamma(value)) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("freedom", [4.0, 12.0])
def test_the_fit_finds_scale_and_freedom(freedom: float) -> None:
    random = np.random.default_rng(1)
    true = 2.5 * freedom / random.chisquare(freedom, 4000)
    observed = true * random.chisquare(3, 4000) / 3
    scale, fitted = fit(observed.tolist(), [3] * 4000)
    assert scale == pytest.approx(2.5, rel=0.05)
    assert fitted == pytest.approx(freedom, rel=0.25)


def test_equal_variances_have_infinite_freedom() -> None:
    assert fit([1.0, 1.0, 1.0], [3, 3, 3])[1] == math.inf


def test_few_ratios_say_nothing_and_those_of_this_race_count() -> None:
    pool = pool_of(np.ones(MIN_RATIOS - 2))
    assert pool.prior() == Prior()
    assert pool.prior().moderate(5.0, 3, 0.1) == (5.0, 3)
    assert pool.prior([LifeVariance(1.0, 3, 0.0, 10.0)] * 2).freedom > 0


def test_what_the_ratios_of_a_race_share_limits_their_worth() -> None:
    assert pool_of(np.ones(6)).prior().freedom == pytest.approx(3 * 3 / SHARED_PART**2)


def test_the_parts_of_the_variance_are_separated() -> None:
    random = np.random.default_rng(2)
    pool = pool_of(3.0 * random.chisquare(30, 400) / 30, sampling=2.0, freedom=30)
    assert pool.between == pytest.approx(1.0, rel=0.15)
    assert pool.per_round == pytest.approx(20.0)
    prior = pool.prior()
    variance, freedom = prior.moderate(3.0, 3, 2.0)
    assert variance == pytest.approx(3.0, rel=0.1)
    assert freedom > 100
    assert prior.moderate(21.0, 3, 20.0)[0] == pytest.approx(21.0, rel=0.1), "sampling of this race counts"
    assert prior.moderate(7.0, 3, None) == (7.0, 3)


def test_an_empty_pool_has_no_parts() -> None:
    assert (VariancePool().between, VariancePool().per_round) == (0.0, 0.0)
