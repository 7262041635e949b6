"""Tests of the explanation of failures: which mechanism is named, where, and when nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from convgauge.diagnosis.cause import Diagnosis
from convgauge.diagnosis.experiments import POOL as EXPERIMENTS
from convgauge.diagnosis.experiments import varied
from convgauge.diagnosis.explain import explain
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.problem import Problem
from convgauge.reference.compare import Fault as Wrong
from convgauge.worker.call import Observation
from support.mutant_samples import POOL, observe
from support.planted_samples import Fault, answered

PROBLEMS = [*POOL, *EXPERIMENTS]


def swapped_padding(plan: Plan) -> Plan:
    return replace(plan, pads=plan.pads[::-1])


def no_bias(plan: Plan) -> Plan:
    return replace(plan, bias=None)


def doubled_bias(plan: Plan) -> Plan:
    return replace(plan, bias=None if plan.bias is None else 2 * plan.bias)


def correct(plan: Plan) -> Plan:
    return plan


def diagnosis_of(fault: Fault, problems: Sequence[Problem] = PROBLEMS) -> Diagnosis:
    return explain([answered(fault, problem, seed) for seed, problem in enumerate(problems)])


def test_one_fault_is_one_cause_that_explains_every_failing_case() -> None:
    diagnosis = diagnosis_of(swapped_padding, [problem for problem in PROBLEMS if problem.padding != "same"])
    assert [cause.mechanism for cause in diagnosis.causes] == ["padding_axes_swapped"]
    assert diagnosis.causes[0].kind == "swapped_axes"
    assert diagnosis.causes[0].region == "wherever padding differs by axis"
    assert not diagnosis.unexplained
    assert "bias" in diagnosis.cleared
    assert "padding" not in diagnosis.cleared


def test_two_faults_are_two_causes_and_cases_with_both_are_explained() -> None:
    def both(plan: Plan) -> Plan:
        return no_bias(swapped_padding(plan))

    diagnosis = diagnosis_of(both)
    regions = {cause.mechanism: cause.region for cause in diagnosis.causes}
    assert set(regions) == {"padding_axes_swapped", "bias_dropped"}
    assert "padding" in regions["padding_axes_swapped"]
    assert not diagnosis.unexplained


def test_a_fault_under_a_condition_is_named_with_its_region() -> None:
    def for_groups(plan: Plan) -> Plan:
        return doubled_bias(plan) if plan.groups > 1 else plan

    (cause,) = diagnosis_of(for_groups).causes
    assert "bias" in cause.sentence
    assert "groups > 1" in cause.region


def test_a_correct_kernel_has_no_cause() -> None:
    assert diagnosis_of(correct) == Diagnosis([], [], {})


def test_a_fault_that_no_mechanism_predicts_has_a_region_and_no_mechanism() -> None:
    generator = np.random.default_rng(0)

    def noise_with_stride(plan: Plan) -> Plan:
        if max(plan.stride) == 1:
            return plan
        return plan.finish(lambda output: output + generator.integers(1, 90, output.shape))

    (cause,) = diagnosis_of(noise_with_stride).causes
    assert (cause.mechanism, cause.kind) == ("", "")
    assert "stride > 1" in cause.region


def test_little_evidence_is_extended_by_further_calls() -> None:
    failing = answered(swapped_padding, POOL[1])
    asked: list[Problem] = []

    def ask(problems: Sequence[Problem]) -> list[Sample]:
        asked.extend(problems)
        return [answered(swapped_padding, problem, seed) for seed, problem in enumerate(problems)]

    (cause,) = explain([failing], ask).causes
    assert cause.mechanism == "padding_axes_swapped"
    assert len(asked) <= 100


def test_a_mechanism_that_acts_by_a_rule_that_was_not_found_is_named_without_a_region() -> None:
    generator = np.random.default_rng(0)

    def by_chance(plan: Plan) -> Plan:
        return plan if generator.random() < 0.4 else plan.finish(lambda output: np.full_like(output, np.nan))

    (cause,) = diagnosis_of(by_chance, [problem.replace(dtype="float32") for problem in PROBLEMS]).causes
    assert cause.mechanism == "output_nan_everywhere"
    assert cause.region == "in some calls, by a rule that was not found"


def test_one_wrong_number_names_no_mechanism() -> None:
    problem = Problem(bias=True)
    (cause,) = explain([answered(no_bias, problem)]).causes
    assert cause.mechanism == ""


def test_the_remark_on_a_kernel_that_always_raises_names_the_exception() -> None:
    raised = Observation("raised", error=("RuntimeError", "Exception"), message="no device")
    samples = [answered(no_bias, problem) for problem in POOL if problem.bias]
    fault = Wrong("errored", "raised RuntimeError: no device", kind="raised")
    samples = [replace(sample, observation=raised, fault=fault) for sample in samples]
    assert "raise RuntimeError" in explain(samples).remark


def test_the_remark_on_equal_calls_that_pass_and_fail() -> None:
    problem = POOL[0]
    samples = [answered(fault, problem) for fault in (correct, no_bias, correct, no_bias)]
    assert "at random" in explain(samples).remark


@pytest.mark.parametrize("name", ["padding_pair_swapped", "groups_interleaved", "bias_once_a_group"])
def test_the_first_cause_of_a_mutant_has_its_kind(name: str) -> None:
    from support.mutant_samples import declared

    causes = explain(observe(name)).causes
    assert causes[0].kind == declared()[name].mechanism


def test_variations_of_a_problem_are_problems_and_repeatable() -> None:
    assert list(varied(POOL[0])) == list(varied(POOL[0]))
    assert len(set(varied(POOL[0]))) > 10


def test_a_fault_of_large_inputs_has_their_number_of_elements_in_its_region() -> None:
    def for_large_inputs(plan: Plan) -> Plan:
        return no_bias(plan) if plan.input.size > 300 else plan

    (cause,) = diagnosis_of(for_large_inputs).causes
    assert cause.mechanism == "bias_dropped"
    assert "input elements >" in cause.region
