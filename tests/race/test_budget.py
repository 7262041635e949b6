"""Tests of a race's time budget: predictions, dropped contestants, calls and rounds."""

from __future__ import annotations

import math

import pytest

from convgauge.layers.sets import load
from convgauge.problem import Problem
from convgauge.race import budget
from convgauge.race.budget import TimeLimits, drop_slowest, predict_cost

PROBLEM = Problem.parse("n1c64h56w56_o64k3x3_s1x1_p1x1_d1x1_g1_float32")


class Probe:
    """Call that takes a fixed time and a time per FLOP; the parts it was tried on are listed."""

    def __init__(self, fixed_s: float, rate: float) -> None:
        self.fixed_s, self.rate = fixed_s, rate
        self.parts: list[Problem] = []

    def __call__(self, part: Problem) -> float:
        self.parts.append(part)
        return self.fixed_s + self.rate * part.flops


def test_a_fast_call_is_predicted_from_one_part() -> None:
    probe = Probe(0.0, 1e-10)
    prediction = predict_cost(PROBLEM, 0.1, math.inf, probe)
    assert prediction.seconds == pytest.approx(1e-10 * PROBLEM.flops)
    assert len(probe.parts) == 1
    assert probe.parts[0].flops <= budget.MIN_PROBE_FLOPS


def test_the_fixed_time_of_a_call_is_not_extrapolated() -> None:
    probe = Probe(5e-3, 1e-10)
    prediction = predict_cost(PROBLEM, 0.1, math.inf, probe)
    assert prediction.seconds == pytest.approx(5e-3 + 1e-10 * PROBLEM.flops)
    assert [part.text for part in probe.parts][-1] == prediction.basis
    assert len(probe.parts) == 2


def test_a_second_part_that_would_take_too_long_is_not_tried() -> None:
    probe = Probe(0.0, 1e-6)
    assert predict_cost(PROBLEM, 0.1, math.inf, probe).seconds > 100
    assert len(probe.parts) == 1


def test_a_part_that_is_not_answered_is_followed_by_larger_ones() -> None:
    tried: list[Problem] = []

    def probe(part: Problem) -> float | None:
        tried.append(part)
        return 1e-10 * part.flops if part.height >= 28 else None

    prediction = predict_cost(PROBLEM, 0.1, math.inf, probe)
    assert [part.height for part in tried] == sorted({part.height for part in tried})
    assert Problem.parse(prediction.basis).height == 28
    assert prediction.seconds == pytest.approx(1e-10 * PROBLEM.flops)


def test_the_problem_itself_is_tried_if_no_part_is_answered() -> None:
    prediction = predict_cost(PROBLEM, 0.1, math.inf, lambda part: 0.02 if part == PROBLEM else None)
    assert prediction == budget.Prediction(0.02, PROBLEM.text)


def test_every_layer_that_a_kernel_supports_is_predicted() -> None:
    def probe(part: Problem) -> float | None:
        return None if part.in_channels % 64 else 1e-10 * part.flops

    layers = [layer.problem for layer in load("resnet50").layers if layer.problem.in_channels % 64 == 0]
    assert len(layers) == len(load("resnet50").layers) - 1, "all but the first"
    for problem in layers:
        assert predict_cost(problem, 0.1, math.inf, probe).seconds == pytest.approx(1e-10 * problem.flops)


def test_no_part_is_tried_if_earlier_layers_rule_the_contestant_out() -> None:
    probe = Probe(0.0, 1e-6)
    prediction = predict_cost(PROBLEM, 0.1, 1e-6, probe)
    assert prediction.basis == "the layers before"
    assert prediction.seconds == pytest.approx(1e-6 * PROBLEM.flops)
    assert not probe.parts


def test_all_contestants_stay_if_their_checks_fit() -> None:
    assert drop_slowest([1.0, 2.0, 3.0], 1.0, checks=2, max_untimed_s=14.0, contestants=5) == []


def test_the_slowest_contestants_are_dropped_until_the_checks_fit() -> None:
    assert drop_slowest([1.0, 9.0, 30.0], 1.0, checks=2, max_untimed_s=14.0, contestants=5) == [2, 1]


def test_a_contestant_within_its_equal_share_is_not_dropped() -> None:
    assert drop_slowest([1.0, 1.0, 1.0], 9.0, checks=1, max_untimed_s=10.0, contestants=5) == []


def test_calls_of_one_sample_are_equal_for_fast_contestants_and_fewer_for_slow_ones() -> None:
    assert budget.calls_per_sample(1e-4, baseline_call_s=1e-4) == 50
    assert budget.calls_per_sample(1e-5, baseline_call_s=1e-4) == 50
    assert budget.calls_per_sample(1e-3, baseline_call_s=1e-4) == 10
    assert budget.calls_per_sample(1.0, baseline_call_s=1e-4) == 1
    assert budget.calls_per_sample(0.0, baseline_call_s=0.0) == 50_000


def test_slow_contestants_have_few_rounds_in_each_life_and_at_least_one() -> None:
    assert budget.max_rounds(0.01, share_s=8.0, contestants=4) == 100
    assert budget.max_rounds(0.5, share_s=8.0, contestants=4) == 2
    assert budget.max_rounds(100.0, share_s=8.0, contestants=4) == 1


def test_limits_follow_from_the_share() -> None:
    limits = TimeLimits(share_s=30.0, workers=2)
    assert limits.max_call_s == pytest.approx(1.0)
    assert limits.max_untimed_s == pytest.approx(24.0)
    assert TimeLimits(share_s=0.3).max_call_s == budget.MIN_MAX_CALL_S
