"""Tests of the cost model, on measurements with known laws. Nothing is timed."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.auto import cost_model
from convgauge.auto.cost_model import Law, Measurement, Model
from convgauge.problem import Problem


def problems(count: int, seed: int = 0, kernel: int = 3) -> list[Problem]:
    random = np.random.default_rng(seed)
    sizes = random.integers((16, 16, 8), (256, 256, 64), (count, 3)).tolist()
    return [Problem(1, c, h, h, o, (kernel,) * 2, padding=(kernel // 2,) * 2) for c, o, h in sizes]


def measurements(rates: dict[str, float], count: int = 12, noise: float = 0.0) -> list[Measurement]:
    """Return the seconds of implementations with the given FLOP/s, and of "mover", which is bound by memory."""
    random = np.random.default_rng(1)
    result = []
    for problem in problems(count):
        seconds = {name: 1e-6 + problem.flops / rate for name, rate in rates.items()}
        seconds["mover"] = 1e-6 + problem.least_bytes / 1e9
        result += [
            Measurement(name, problem.text, value * float(np.exp(noise * random.standard_normal())))
            for name, value in seconds.items()
        ]
    return result


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_law_predicts_other_problems(noise: float) -> None:
    model = Model(cost_model.fit(measurements({"quick": 4e10, "slow": 1e10}, noise=noise), "quick"), 36)
    for problem in problems(20, seed=2):
        predicted = model.times(problem)
        assert set(predicted) == {"quick", "slow", "mover"}
        assert predicted["quick"] == pytest.approx(problem.flops / 4e10, rel=0.5)
        assert predicted["mover"] == pytest.approx(problem.least_bytes / 1e9, rel=0.5)
        assert predicted["quick"] < predicted["slow"]
        assert list(predicted.values()) == sorted(predicted.values())


def test_the_choice_changes_with_the_problem() -> None:
    """Problems bound by products have another choice than problems bound by data."""
    model = Model(cost_model.fit(measurements({"quick": 2e11}), "mover"), 24)
    heavy, light = (Problem(1, c, 56, 56, o, (3, 3), padding=(1, 1)) for c, o in ((256, 256), (256, 16)))
    assert next(iter(model.times(heavy))) == "mover"
    assert next(iter(model.times(light))) == "quick"


def test_too_few_measurements_give_no_law() -> None:
    few = measurements({"quick": 2e10}, count=cost_model.MIN_MEASUREMENTS - 1)
    assert cost_model.fit(few, "quick") == {"dense": {}}
    assert Model(cost_model.fit(few, "quick"), len(few)).times(problems(1)[0]) == {}


def test_a_kind_that_was_not_measured_is_not_predicted() -> None:
    model = Model(cost_model.fit(measurements({"quick": 2e10}), "quick"), 24)
    assert model.times(problems(1, kernel=1)[0]) == {}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "dense"),
        ({"kernel": (5, 5)}, "dense"),
        ({"kernel": (1, 1), "dilation": (2, 2)}, "pointwise"),
        ({"kernel": (1, 1)}, "pointwise"),
        ({"kernel": (1, 1), "stride": (2, 2)}, "strided or dilated"),
        ({"dilation": (2, 1)}, "strided or dilated"),
        ({"groups": 4}, "grouped"),
        ({"groups": 8}, "depthwise"),
        ({"groups": 8, "out_channels": 16}, "depthwise"),
    ],
)
def test_kinds_of_laws(changes: dict[str, object], kind: str) -> None:
    problem = Problem(1, 8, 9, 9, 8, (3, 3)).replace(**changes)
    assert cost_model.LAW_KINDS[problem.kind] == kind


def test_candidates_are_the_baseline_and_those_that_may_be_faster() -> None:
    predicted = {"a": 1.0, "b": 4.0, "c": 1.5, "slow": 9.0, "base": 3.0}
    optimistic = {"a": 0.9, "b": 1.0, "c": 1.4, "slow": 3.1, "base": 2.0}
    assert cost_model.candidates(predicted, optimistic, "base", count=4) == ["base", "a", "b", "c"]
    assert cost_model.candidates(predicted, optimistic, "base", count=3) == ["base", "a", "b"]
    assert cost_model.candidates({"a": 5.0, "base": 1.0}, {"a": 4.0, "base": 0.9}, "base", count=4) == ["base"]
    assert cost_model.candidates({"a": 1.0}, {"a": 1.0}, "base", count=4) == ["base"]


def test_a_law_of_few_measurements_predicts_no_advantage_far_from_them() -> None:
    """On six small problems the implementation is as fast as the baseline, up to noise."""
    rates = {"base": 4e10, "other": 4e10}
    measured = [each for each in measurements(rates, count=6, noise=0.2) if each.implementation != "mover"]
    model = Model(cost_model.fit(measured, "base"), 12)
    large = Problem(1, 1024, 64, 64, 1024, (3, 3), padding=(1, 1))
    predicted = model.times(large)
    assert 0.6 < predicted["other"] / predicted["base"] < 1.6
    assert model.laws["dense"]["other"].error > 1.15  # leave-one-out errors are larger than those of the fit


def test_a_poor_model_lowers_the_optimistic_time() -> None:
    flat = [0.0] * 6
    model = Model({"pointwise": {"a": Law([1.0, *flat], 1.0), "b": Law([2.0, *flat], 4.0)}}, 2)
    problem = Problem.parse("n1c8h5w5_o8k1x1_s1x1_p0x0_d1x1_g1_float32")
    assert model.times(problem) == {"a": 2.0, "b": 4.0}
    assert model.optimistic_times(problem) == {"a": 2.0, "b": 1.0}


def test_only_an_implementation_that_is_clearly_faster_replaces_the_baseline() -> None:
    assert cost_model.clearly_fastest({"base": 1.0, "a": 0.96}, "base", max_ratio=0.95) == "base"
    assert cost_model.clearly_fastest({"base": 1.0, "a": 0.94, "b": 0.93}, "base", max_ratio=0.95) == "b"
    assert cost_model.clearly_fastest({"base": 1.0}, "base", max_ratio=0.95) == "base"
