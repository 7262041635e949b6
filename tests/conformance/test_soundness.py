"""Tests of the guard of changed cases: a sound implementation passes, or the case is not judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convgauge.conformance import Case, checks
from convgauge.conformance.cases import with_arguments
from convgauge.conformance.execution import CallOptions, Execution
from convgauge.conformance.procedure import Procedure
from convgauge.conformance.soundness import OracleSubject, accepts_oracle
from convgauge.problem import Problem
from convgauge.process.in_process import InProcessSubject
from convgauge.reference import oracle
from convgauge.reference.assessment import Assessment
from convgauge.reference.operands import Operands
from convgauge.registry import resolve
from convgauge.worker.call import Observation
from convgauge.worker.call_modes import CALL_MODES
from support.fake_runner import FakeRunner, exact_output

SMALL = Problem(batch=2, in_channels=2, height=5, width=6, out_channels=3, kernel=(3, 2), padding=(1, 1), bias=True)
EXECUTION = Execution(FakeRunner(lambda call: Observation("crashed", message="must not be called")), "cpu")


def exactly(case: Case, operands: Operands, observation: Observation) -> Assessment:
    return Assessment(checks.check_exact(case, operands, observation, ""))


def is_accepted(case: Case, check: checks.Check = exactly, **fields: Any) -> bool:
    return accepts_oracle(Procedure(lambda _: check, **fields), case, EXECUTION)


def test_a_case_of_the_right_kind_is_accepted() -> None:
    assert is_accepted(Case(SMALL))
    assert is_accepted(Case(SMALL, layouts=("fortran", "contiguous", "contiguous")))
    assert is_accepted(with_arguments(SMALL, {"padding": 1, "dilation": None}))


def test_a_case_without_what_the_spec_needs_is_rejected() -> None:
    assert not is_accepted(Case(SMALL), needs=lambda case: not case.problem.bias)


def test_gaussian_operands_are_not_judged_exactly() -> None:
    assert not is_accepted(Case(SMALL, operands="gaussian"), lambda case, operands, observation: Assessment(
        checks.check_equal(case, observation, oracle.summed(case.problem, _wide(operands)), 0.0)
    ))  # fmt: skip


def _wide(operands: Operands) -> Operands:
    assert operands.bias is not None
    return Operands(*(array.astype(np.float64) for array in (operands.input, operands.weight, operands.bias)))


def test_spelled_arguments_that_contradict_the_problem_are_rejected() -> None:
    assert not is_accepted(with_arguments(SMALL, {"padding": 2}))
    assert not is_accepted(with_arguments(SMALL, {"padding": -1}))
    assert is_accepted(with_arguments(SMALL, {"padding": -1}), is_refusal_due=True)


def test_a_change_of_operands_that_does_not_fit_is_rejected() -> None:
    def change(case: Case, operands: Operands) -> Operands:
        assert case.problem.batch == 1
        return operands

    options = CallOptions(change)
    assert not is_accepted(Case(SMALL), options=options)
    assert is_accepted(Case(SMALL.replace(batch=1)), options=options)


def test_a_law_is_asked_of_the_oracle() -> None:
    def law(factor: float) -> Callable[..., Any]:
        return lambda ask, problem, operands: (ask(problem, operands), factor * ask(problem, operands))

    for factor in (1.0, 2.0):
        procedure = Procedure(
            lambda observe, factor=factor: (
                lambda case, operands, observation: checks.check_law(  # type: ignore[misc]
                    case, operands, law(factor), observe
                )
            )
        )
        assert accepts_oracle(procedure, Case(SMALL), EXECUTION) == (factor == 1.0)


def modes_of_numpy() -> list[str]:
    answered = ("by_", "numpy_", "without", "one_", "several", "two_layers", "overwritten")
    return [mode for mode in CALL_MODES if mode.startswith(answered)]


@pytest.mark.parametrize("mode", ["", *modes_of_numpy()])
def test_the_oracle_answers_the_modes_as_an_implementation_does(mode: str) -> None:
    """The two implementations share nothing but the call."""
    problem = SMALL.replace(bias=mode != "without_bias", out_channels=2, height=3, width=2, dtype="float64")
    case = Case(problem, prepared=mode in ("several_inputs", "two_layers", "overwritten"))
    subject = InProcessSubject(resolve("numpy_im2col", "")[0])
    extra = "input" if mode == "several_inputs" else "weight"
    call = Execution(subject, "cpu").call(
        case, EXECUTION.draw(case), {"mode": mode, "extra_operand": lambda case, operands: -getattr(operands, extra)}
    )
    expected, observed = (runner.observe(call) for runner in (OracleSubject(subject.description), subject))
    assert expected.kind == observed.kind == "answer", observed.message
    assert (expected.dtype, len(expected.extra_outputs)) == (observed.dtype, len(observed.extra_outputs))
    pairs = zip([expected.output, *expected.extra_outputs], [observed.output, *observed.extra_outputs], strict=True)
    for mine, theirs in pairs:
        assert mine is not None
        if mode != "overwritten":  # either weight is right
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.isa
def test_a_mode_of_torch_is_answered_by_torch() -> None:
    pytest.importorskip("torch")
    runner = FakeRunner(exact_output)
    runner.description.framework = "torch"
    subject = OracleSubject(runner.description)
    call = Execution(runner, "cpu").call(Case(SMALL), EXECUTION.draw(Case(SMALL)), {"mode": "vmapped"})
    observation = subject.observe(call)
    np.testing.assert_array_equal(observation.output, exact_output(call))


def test_a_mode_without_a_reference_is_unknown_and_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convgauge.conformance.soundness.REFERENCES", {})
    call = Execution(EXECUTION.subject, "cpu").call(Case(SMALL), EXECUTION.draw(Case(SMALL)), {"mode": "gradient"})
    assert OracleSubject(EXECUTION.subject.description).observe(call).kind == "unsupported"
    assert is_accepted(Case(SMALL), options=CallOptions(fields={"mode": "gradient"}))
