"""Tests of the decisions on samples that are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import pytest

from convgauge.race import decide
from convgauge.race.clock_audit import ClockAudit
from convgauge.race.contestant import Contestant
from convgauge.race.entrant import Entrant, Lineup
from convgauge.race.statistics import Ratio
from convgauge.race.variances import VariancePool


class Lasting:
    """Contestant whose lives are processes that take turns, or are not."""

    def __init__(self, has_lasting_lives: bool = False) -> None:
        self.has_lasting_lives = has_lasting_lives


def entrant(*lives: Sequence[float], alone: float | None = None, audit: ClockAudit | None = None) -> Entrant:
    contestant = cast(Contestant, Lasting())
    return Entrant(
        contestant,
        lives=[list(life) for life in lives],
        alone_seconds=alone,
        audit=audit or ClockAudit(),
        iterations=10,
    )


def lineup(*ratios: float, lives: int = 4, rounds: int = 10) -> Lineup:
    """Return entrants with exact ratios to the baseline; the control has the ratio 1."""
    base = [[1e-3 * (1 + 0.01 * (number % 3)) for number in range(rounds)]] * lives
    entrants = [entrant(*([ratio * seconds for seconds in life] for life in base)) for ratio in (1.0, 1.0, *ratios)]
    return Lineup(entrants[0], entrants[1], tuple(entrants[2:]))


def test_weighing_estimates_ratios_and_marks_conclusive_entrants() -> None:
    field = lineup(0.5, 1.0, 3.0)
    decide.weigh(field, 0.01, VariancePool())
    assert field.control.ratio and field.control.ratio.value == pytest.approx(1.0)
    assert [each.ratio.value for each in field.others if each.ratio] == pytest.approx([0.5, 1.0, 3.0])
    assert all(each.is_conclusive for each in field.others)


def test_weighing_leaves_entrants_with_a_verdict_or_without_samples() -> None:
    field = lineup(0.5, 0.5)
    field.others[0].verdict = "wrong"
    field.others[1].lives = []
    decide.weigh(field, 0.01, VariancePool())
    assert [each.ratio for each in field.others] == [None, None]


def test_without_samples_of_the_control_nothing_is_conclusive() -> None:
    field = lineup(0.5)
    field.control.lives = []
    decide.weigh(field, 0.01, VariancePool())
    assert field.control.ratio is None
    assert not field.others[0].is_conclusive


def test_the_control_counts_as_the_baseline_in_a_second_process() -> None:
    field = lineup(1.0)
    field.control.lives = [[1.04 * seconds for seconds in life] for life in field.baseline.lives]
    control, other = (decide.life_ratios(each, field) for each in (field.control, field.others[0]))
    assert [life.log for life in control] == pytest.approx([math.log(1.04)] * 4)
    assert [life.log for life in other] == pytest.approx([-math.log(1.04) / 2] * 4)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_lives_in_one_lasting_process_count_once(index: int) -> None:
    field = lineup(2.0, lives=6)
    field.all[index].contestant = cast(Contestant, Lasting(True))
    lives = decide.life_ratios(field.others[0], field)
    assert [life.rounds for life in lives] == [20, 20, 10, 10]
    assert len(decide.life_ratios(lineup(2.0, lives=6).others[0], lineup(2.0, lives=6))) == 6


def test_a_ratio_whose_clock_cannot_be_audited_needs_more_rounds() -> None:
    field = lineup(0.01)
    shown = [1e-4] * 2
    field.others[0].audit = ClockAudit(error_s=1.0, has_delays=False, shown_s=shown)
    decide.weigh(field, 0.01, VariancePool())
    assert not field.others[0].is_conclusive
    assert not decide.is_audited(field.others[0], field.baseline)


BASE = entrant([1e-3])


def verdict(
    ratio: Ratio, floor: float = 0.0, audit: ClockAudit | None = None, disturbance: float = 1.0
) -> tuple[str, str]:
    each = entrant([1e-3], audit=audit)
    each.ratio, each.disturbance = ratio, disturbance
    return decide.verdict(each, BASE, floor)


def test_a_clear_interval_gives_a_verdict_without_a_reason() -> None:
    assert verdict(Ratio(2.0, 1.9, 2.1, 40)) == ("slower", "")
    assert verdict(Ratio(0.5, 0.45, 0.55, 40)) == ("faster", "")
    assert verdict(Ratio(1.0, 0.99, 1.01, 40)) == ("same", "")


def test_an_undecided_entrant_has_a_reason() -> None:
    decision, reason = verdict(Ratio(1.05, 0.98, 1.1, 40), floor=0.03)
    assert (decision, "floor 3.0%, margin 2%" in reason) == ("undecided", True)
    assert verdict(Ratio(2.0, None, None, 3)) == (
        "undecided",
        "only one life of each fitted into the budget: too few for an interval",
    )
    decision, reason = verdict(Ratio(2.0, 1.9, 2.1, 40), disturbance=1.8)
    assert (decision, "it takes 1.8 times as long as alone" in reason) == ("undecided", True)


def test_faster_needs_enough_rounds_for_the_audit() -> None:
    unaudited = ClockAudit(error_s=1.0, has_delays=False, shown_s=[1e-4] * 2)
    decision, reason = verdict(Ratio(0.01, 0.009, 0.011, 2), audit=unaudited)
    assert decision == "undecided"
    assert "too few to notice a clock that hides time" in reason


def test_the_disturbance_is_relative_to_that_of_the_baseline() -> None:
    slowed = decide.disturbance(entrant([4.0], alone=1.0), entrant([2.0], alone=1.0))
    assert slowed == pytest.approx(2.0)
    assert decide.is_disturbed(slowed)
    assert decide.is_disturbed(1 / slowed)
    assert not decide.is_disturbed(decide.disturbance(entrant([4.0], alone=2.0), entrant([2.0], alone=1.0)))
