"""Closeness: a prediction explains a deviation only if little of it remains."""

from __future__ import annotations

import numpy as np

from convgauge.diagnosis.closeness import is_beyond_rounding, is_equally_finite, is_nearer
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.problem import Problem
from convgauge.reference.compare import Fault
from convgauge.reference.operands import draw
from convgauge.worker.call import Call, Observation

PROBLEM = Problem(batch=2, in_channels=3, height=8, width=8, out_channels=5, kernel=(3, 3), bias=True)


def sample(error: float, fault: Fault | None) -> Sample:
    """Return a sample whose outputs deviate by a relative error."""
    operands = draw(PROBLEM, "gaussian")
    output = Plan.of(PROBLEM, operands.input, operands.weight, operands.bias).output() * np.float32(1 + error)
    call = Call(operands.input, operands.weight, operands.bias, PROBLEM.arguments, is_valid=True)
    observation = Observation("answer", output.astype(np.float32), "float32")
    return Sample("", "", PROBLEM, "gaussian", call, observation, fault, {})


def scaled(plan: Plan, error: float) -> Plan:
    return plan.finish(lambda output: output * (1 + error))


FAULT = Fault("failed", "")


def test_half_of_the_deviation_is_not_enough() -> None:
    right, output = np.zeros(100), np.ones(100)
    assert is_nearer(output, np.full(100, 0.5), right)
    assert not is_nearer(output, np.full(100, 0.4), right)


def test_errors_are_compared_in_units_of_their_output() -> None:
    sizes = np.array([1.0, 1000.0])
    output, right = np.array([1.0, 1000.0]), np.zeros(2)
    assert not is_nearer(output, np.array([0.0, 1000.0]), right, sizes)
    assert is_nearer(output, np.array([0.0, 1000.0]), right)


def test_places_of_nan_are_compared() -> None:
    assert is_equally_finite(np.array([1.0, np.nan]), np.array([2.0, np.inf]))
    assert not is_equally_finite(np.array([1.0, np.nan]), np.array([np.nan, 1.0]))


def test_rounding_errors_hide_small_differences() -> None:
    ones = np.ones(10)
    assert not is_beyond_rounding(ones, ones + 2.0**-23, 1.0, "float32")
    assert is_beyond_rounding(ones, ones + 2.0**-18, 1.0, "float32")
    assert not is_beyond_rounding(ones, ones + 2.0**-10, 1.0, "float16")


def test_a_plan_that_changes_nothing_explains_no_failing_sample() -> None:
    failing = sample(1e-5, FAULT)
    assert not failing.fits(failing.plan)
    assert not failing.fits(scaled(failing.plan, 4e-6))


def test_a_deviation_inside_the_bound_is_explained() -> None:
    failing = sample(1e-5, FAULT)
    plan = scaled(failing.plan, 1e-5)
    assert failing.fits(plan)
    assert failing.differs(plan)


def test_a_passing_sample_excludes_a_prediction_inside_the_bound() -> None:
    passing = sample(0.0, None)
    assert passing.differs(scaled(passing.plan, 1e-5))
    assert not sample(1e-5, None).differs(scaled(passing.plan, 1e-5))
