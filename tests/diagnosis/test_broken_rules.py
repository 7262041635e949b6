"""Broken rules: every invalid call breaks one, and no valid call does."""

from __future__ import annotations

import pytest

from convgauge.conformance.collection import collect_specs
from convgauge.conformance.random_problems import random_problems
from convgauge.diagnosis.broken_rules import broken_rules, unchecked_rules
from convgauge.reference.operands import draw
from convgauge.worker.call import Call
from support.judged_samples import judged

ERRORS = [spec.id for spec, _ in collect_specs() if spec.id.startswith("errors.")]


@pytest.fixture(scope="module")
def accepted() -> list[Call]:
    """Return the calls that a kernel answers which checks nothing."""
    samples = judged("nothing_is_checked", *ERRORS, dtypes=("float32",))
    return [sample.call for sample in samples if sample.fault is not None]


def test_every_invalid_call_breaks_a_rule(accepted: list[Call]) -> None:
    assert len(accepted) > 150
    assert [call for call in accepted if not broken_rules(call)] == []


def test_valid_calls_break_none() -> None:
    for problem in random_problems(60, "valid calls"):
        operands = draw(problem)
        call = Call(operands.input, operands.weight, operands.bias, problem.arguments, (problem.dtype,) * 3)
        assert broken_rules(call) == [], problem.text


def test_a_kernel_that_checks_nothing_breaks_few_rules_by_name(accepted: list[Call]) -> None:
    rules = unchecked_rules(accepted)
    assert len(rules) < 60
    assert {"strides of zero", "negative paddings", "biases of one element", "inputs of two axes"} <= set(rules)
    assert unchecked_rules([call for call in accepted if broken_rules(call) == ["negative strides"]]) == [
        "negative strides"
    ]
