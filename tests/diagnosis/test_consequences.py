"""Tests of what follows from a named cause: no cause of its own is given to it, and nothing else is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from convgauge.diagnosis.explain import explain
from convgauge.diagnosis.necessary import necessary_condition
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.problem import Problem
from convgauge.reference.compare import Fault as Wrong
from convgauge.worker.call import Observation
from support.mutant_samples import POOL
from support.planted_samples import Fault, answered


def swapped_dilation(plan: Plan) -> Plan:
    return replace(plan, dilation=plan.dilation[::-1])


def swapped_padding(plan: Plan) -> Plan:
    return replace(plan, pads=plan.pads[::-1])


def no_bias(plan: Plan) -> Plan:
    return replace(plan, bias=None)


def samples_of(fault: Fault) -> list[Sample]:
    return [answered(fault, problem, seed) for seed in range(2) for problem in POOL]


def accepted(arguments: Mapping[str, object], shape: tuple[int, ...]) -> Sample:
    """Return the sample of an invalid call that was answered with an output of a shape."""
    sample = answered(swapped_padding, Problem(1, 2, 4, 9, 3, (2, 3), bias=True))
    call = replace(sample.call, arguments=dict(arguments), is_valid=False)
    answer = Observation("answer", np.zeros(shape, np.float32), "float32")
    fault = Wrong("errored", "an invalid call was answered", kind="answered_invalid")
    return replace(sample, spec="errors.spec", call=call, observation=answer, fault=fault, is_answer_allowed=False)


def broken_law(dtype: str = "float32") -> Sample:
    """Return the sample of a broken law whose first call is right."""
    sample = answered(lambda plan: plan, Problem(1, 1, 3, 3, 1, (1, 1), dtype=dtype))
    return replace(sample, spec="laws.spec", is_law=True, fault=Wrong("failed", "the law is broken", kind="relation"))


def test_an_invalid_call_that_the_mechanism_makes_valid_is_no_cause_of_its_own() -> None:
    # 4 rows do not hold a kernel of 2 rows dilated by 5; with the axes swapped both fit
    sample = accepted({"dilation": (5, 1)}, (1, 3, 3, 0))
    fitting = accepted({"dilation": (4, 2)}, (1, 3, 2, 1))
    samples = [answered(swapped_dilation, problem, seed) for seed, problem in enumerate(POOL)]
    (cause,) = explain([*samples, fitting]).causes
    assert cause.mechanism == "dilation_axes_swapped"
    assert fitting in cause.samples
    assert [c.kind for c in explain([*samples, sample]).causes][1:] == ["accepts_invalid"]


def test_an_acceptance_that_the_mechanism_does_not_explain_is_a_cause_of_its_own() -> None:
    sample = accepted({"stride": 0}, (1, 3, 3, 7))
    causes = explain([*samples_of(no_bias), sample]).causes
    assert [cause.kind for cause in causes] == ["bias_dropped", "accepts_invalid"]


def test_a_law_is_broken_by_the_named_cause() -> None:
    law = broken_law()
    (cause,) = explain([*samples_of(no_bias), law]).causes
    assert cause.mechanism == "bias_dropped"
    assert law in cause.samples


def test_a_law_in_another_dtype_is_not_broken_by_the_named_cause() -> None:
    diagnosis = explain([*samples_of(no_bias), broken_law("int64")])
    assert [cause.mechanism for cause in diagnosis.causes] == ["bias_dropped", ""]


def test_exceptions_after_a_change_of_the_operands_follow_from_it() -> None:
    right = answered(lambda plan: plan, POOL[0])
    mutates = replace(right, fault=Wrong("errored", "changes the input", kind="side_effect"))
    crash = replace(
        right, fault=Wrong("crashed", "ended", kind="crashed"), observation=Observation("crashed", message="ended")
    )
    (cause,) = explain([mutates, mutates, crash]).causes
    assert cause.kind == "mutates_operands"
    assert len(cause.samples) == 3


@pytest.mark.parametrize(("value", "kind"), [(0.0, "nan_clamped"), (np.nan, "nan_spread")])
def test_what_becomes_of_nan_is_the_kind_of_a_cause_without_a_mechanism(value: float, kind: str) -> None:
    passing = [answered(lambda plan: plan, problem, seed) for seed in range(4) for problem in POOL]
    failing = []
    for seed, problem in enumerate(POOL):
        if problem.dtype == "float32" and problem.batch and min(problem.in_channels, problem.height, problem.width):
            sample = answered(lambda plan: plan, problem, seed)
            input = sample.call.input.copy()
            input[0, 0, -1, -1] = np.nan
            sample = replace(sample, call=replace(sample.call, input=input), fault=Wrong("failed", "", kind="values"))
            output = sample.expected.astype(np.float32)
            if np.isnan(value):
                output[..., 0, 0] = value
            else:
                output = np.nan_to_num(output, nan=value)
            failing.append(replace(sample, observation=Observation("answer", output, "float32")))
    condition = necessary_condition(failing, passing)
    assert condition is not None
    assert condition.kind == kind


def test_failures_of_one_layout_are_misread_memory() -> None:
    passing = [answered(lambda plan: plan, problem, seed) for seed in range(4) for problem in POOL]
    failing = [
        replace(sample, fields={**sample.fields, "weight_layout": "odd_strides"}) for sample in samples_of(no_bias)
    ]
    condition = necessary_condition(failing, passing)
    assert condition is not None
    assert condition.kind == "layout_assumed"
    assert "weight" in condition.sentence
    assert necessary_condition(failing[:3], passing) is None


def test_mechanisms_of_one_kind_and_topic_are_one_cause_with_both_regions() -> None:
    def ignored(plan: Plan) -> Plan:
        size = None if plan.groups > 1 else plan.size
        return replace(plan, dilation=(1, 1), output_size=size)

    problems = [
        problem.replace(dilation=dilation, height=12, width=13)
        for problem in POOL
        for dilation in ((1, 1), (2, 1), (1, 2), (2, 2))
        if problem.padding != "same" and problem.batch and problem.in_channels
    ]
    samples = [answered(ignored, problem, seed) for seed, problem in enumerate(problems)]
    (cause,) = explain(samples).causes
    assert cause.kind == "argument_ignored"
    assert {id(sample) for sample in samples if sample.fault is not None} == set(map(id, cause.samples))


def test_answered_invalid_calls_come_after_wrong_values() -> None:
    calls = [replace(accepted({"stride": 0}, (1, 3, 3, 7)), spec=f"errors.{number}") for number in range(9)]
    causes = explain([*samples_of(no_bias), *calls]).causes
    assert [cause.kind for cause in causes] == ["bias_dropped", "accepts_invalid"]


def test_an_operand_that_is_read_by_another_shape_is_accepted_in_wrong_shapes() -> None:
    sample = accepted({}, (1, 3, 3, 7))
    assert sample.call.bias is not None
    long = replace(sample, call=replace(sample.call, bias=np.zeros(7, np.float32)))
    (cause,) = explain([*samples_of(no_bias), long]).causes
    assert cause.kind == "bias_dropped"
    assert long in cause.samples
