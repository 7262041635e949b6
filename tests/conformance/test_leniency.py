"""Tests of leniency: claims of fast algorithms are granted, those of direct sums are not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from convgauge.conformance import leniency
from convgauge.conformance.cases import Case
from convgauge.conformance.execution import CallOptions, Executed, Execution
from convgauge.domain import Domain
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands, draw
from support.fake_runner import FakeRunner, Kernel, exact_output, fft_output

SMALL = Problem(batch=2, in_channels=4, height=8, width=9, out_channels=3, kernel=(3, 3), padding=(1, 1), groups=1)
CLAIM = Assessment(Fault("failed", "3 of 9 outputs are wrong"), grade="F", margin=7.0, lenient_if="spreads")


def probe(kernel: Kernel, count: list[int]) -> leniency.Probe:
    """Return a probe of a kernel that adds the number of its cases to ``count``."""

    def run(cases: list[Case]) -> Iterator[Executed]:
        count.append(len(cases))
        return Execution(FakeRunner(kernel), "cpu").run(cases, CallOptions(leniency.add_spikes))

    return run


@pytest.mark.parametrize(
    ("kernel", "declared_grade", "is_granted", "probes"),
    [
        (fft_output, "", True, [leniency.PROBES]),
        (exact_output, "", False, [leniency.PROBES]),
        (exact_output, "A", False, []),
        (fft_output, "A", False, []),
        (exact_output, "B", True, []),
        (exact_output, "C", True, []),
    ],
)
def test_a_claim_is_granted_to_what_is_not_componentwise_accurate(
    kernel: Kernel, declared_grade: str, is_granted: bool, probes: list[int]
) -> None:
    count: list[int] = []
    decided = leniency.decide(CLAIM, Case(SMALL), declared_grade, ("float32",), probe(kernel, count))
    assert count == probes
    assert decided.lenient_if == ""
    assert (decided.fault, decided.grade) == ((None, "B") if is_granted else (CLAIM.fault, "F"))
    assert decided.margin == CLAIM.margin


@pytest.mark.parametrize(("kernel", "is_granted"), [(fft_output, True), (exact_output, False)])
def test_a_probe_outside_the_declared_domain_is_made_on_the_problem_of_the_case(
    kernel: Kernel, is_granted: bool
) -> None:
    runner = FakeRunner(kernel)

    def run(cases: list[Case]) -> Iterator[Executed]:
        execution = Execution(runner, "cpu", Domain.parse("in_channels == 4 and dtype == 'float16'"))
        return execution.run(cases, CallOptions(leniency.add_spikes))

    case = Case(SMALL.replace(dtype="float16"))
    decided = leniency.decide(CLAIM, case, "", ("float16", "float32"), run)
    assert (decided.fault is None) is is_granted
    assert {(call.input.shape[1], call.dtypes[0]) for call in runner.calls} == {(4, "float16")}
    assert is_granted or len(runner.calls) == leniency.PROBES


def test_an_assessment_without_a_claim_is_returned_as_it_is() -> None:
    count: list[int] = []
    for assessment in (Assessment(), Assessment(CLAIM.fault)):
        assert leniency.decide(assessment, Case(SMALL), "", ("float32",), probe(fft_output, count)) is assessment
    assert count == []


def test_probes_differ_from_the_case_in_operands_channels_and_dtype() -> None:
    problem = SMALL.replace(dtype="float16", groups=2, out_channels=4)
    cases = leniency.probe_cases(Case(problem, seed=5), ("float16", "float32"))
    assert len({case.seed for case in cases}) == leniency.PROBES
    assert {case.problem.dtype for case in cases} == {"float32"}
    assert sum(case.operands == "wide" for case in cases) == leniency.PROBES // 2
    assert sum(case.problem.in_channels == 2 for case in cases) == leniency.PROBES // 2
    assert {case.problem.dtype for case in leniency.probe_cases(Case(problem), ("float16",))} == {"float16"}


def test_a_spike_is_one_element_of_each_plane_of_gaussian_operands() -> None:
    operands = draw(SMALL, "gaussian", 3)
    changed = leniency.add_spikes(Case(SMALL, "gaussian", 3), operands)
    assert ((changed.input != operands.input).sum(axis=(2, 3)) == 1).all()
    assert leniency.add_spikes(Case(SMALL, "wide", 3), operands) is operands


def test_spreading_leaves_every_finite_output_right() -> None:
    operands = draw(SMALL, "exact", 1, 64.0)
    input = operands.input.copy()
    input[0, 0, 0, 0] = np.nan
    planted = Operands(input, operands.weight, None)
    expected = oracle.answer(SMALL, planted)
    spread = expected.copy()
    spread[0] = np.nan
    assert leniency.is_only_spread(SMALL, planted, spread, expected, 0.25)
    spread[1, 0, 0, 0] += 1
    assert not leniency.is_only_spread(SMALL, planted, spread, expected, 0.25)
    assert not leniency.is_only_spread(SMALL, planted, np.nan_to_num(expected), expected, 0.25)


def test_overflow_leaves_every_finite_output_within_the_bound() -> None:
    operands = draw(SMALL, "near_overflow", 1)
    output = oracle.answer(SMALL, operands).astype(np.float32)
    assert not leniency.is_only_overflow(SMALL, operands, output)
    output[0, 0, 0] = np.inf
    assert leniency.is_only_overflow(SMALL, operands, output)
    output[1, 1, 1, 1] *= np.float32(1.5)
    assert not leniency.is_only_overflow(SMALL, operands, output)
