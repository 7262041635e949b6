"""Tests of the number of rounds of a life."""

from __future__ import annotations

import math

import pytest

from convgauge.race.life_plan import MAX_LIFE_SHARE, MIN_ROUNDS, LifeCosts, plan_life
from convgauge.race.lives import MIN_LIVES

COSTS = LifeCosts(life_s=0.1, round_s=0.01)


def test_rounds_are_those_of_least_variance_at_equal_cost() -> None:
    best = LifeCosts(life_s=0.4, round_s=0.1).best_rounds(per_round=9.0, between=1.0)
    assert best == pytest.approx(6.0)

    def variance(rounds: float) -> float:
        return (1.0 + 9.0 / rounds) * (0.4 + 0.1 * rounds)

    assert variance(best) < min(variance(best * 1.1), variance(best / 1.1))
    assert LifeCosts(0.4, 0.1).best_rounds(per_round=9.0, between=0.0) == math.inf


def test_a_plan_has_the_best_number_of_rounds_if_there_is_time() -> None:
    assert plan_life(0, 8.0, COSTS, 20.0, share_s=8.0).rounds == 20
    assert plan_life(0, 8.0, COSTS, 1.0, share_s=8.0).rounds == MIN_ROUNDS
    assert plan_life(0, 8.0, COSTS, math.inf, share_s=8.0).rounds == int(MAX_LIFE_SHARE * 8.0 / COSTS.round_s)


@pytest.mark.parametrize("remaining_s", [-1.0, 0.0, 0.1, 0.5, 1.0])
def test_the_first_lives_fit_into_little_time_or_have_one_round(remaining_s: float) -> None:
    spent, rounds = 0.0, []
    for lives in range(MIN_LIVES):
        plan = plan_life(lives, remaining_s - spent, COSTS, math.inf, share_s=100.0)
        spent += plan.rounds * COSTS.round_s
        rounds.append(plan.rounds)
        spent += COSTS.life_s if lives < MIN_LIVES - 1 else 0.0
    assert min(rounds) >= 1
    assert spent <= remaining_s + 1e-9 or rounds == [1] * MIN_LIVES
    assert plan_life(MIN_LIVES, remaining_s - spent, COSTS, math.inf, share_s=100.0).rounds == 0


def test_further_lives_need_time_for_the_fewest_rounds() -> None:
    enough = COSTS.life_s + (MIN_ROUNDS + 0.1) * COSTS.round_s
    assert plan_life(MIN_LIVES, enough, COSTS, math.inf, share_s=8.0).rounds == MIN_ROUNDS
    assert plan_life(MIN_LIVES, enough - COSTS.round_s, COSTS, math.inf, share_s=8.0).rounds == 0
