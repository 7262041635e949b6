"""Tests of checks: outputs that are missing, wrong in form or value, or claimed for a fast algorithm."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.conformance import checks
from convgauge.conformance.cases import Case
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import Array, Operands, draw
from convgauge.worker.call import Call, Kind, Observation

PROBLEM = Problem(batch=2, in_channels=4, height=6, width=7, out_channels=3, kernel=(3, 3), padding=(1, 1), bias=True)
CASE = Case(PROBLEM)


def observation_of(output: Array, is_unstable: bool = False) -> Observation:
    return Observation("answer", output.astype(np.float32), "float32", is_unstable=is_unstable)


def right(case: Case, operands: Operands) -> Observation:
    with np.errstate(over="ignore"):
        return observation_of(oracle.answer(case.problem, operands))


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("raised", "errored", f"raised ValueError: a reason; {checks.how_to_refuse('ValueError')}"),
        ("crashed", "crashed", "the implementation's process a reason"),
        ("timed_out", "timed_out", "the implementation's process a reason"),
        ("not_called", "crashed", "the implementation's process a reason"),
        ("not_an_array", "failed", "the call a reason"),
        ("unreadable", "failed", "its output cannot be read: a reason"),
    ],
)
def test_a_call_without_an_output_is_a_fault(kind: Kind, status: str, message: str) -> None:
    fault = checks.missing_output(Observation(kind, error=("ValueError",), message="a reason"))
    assert fault is not None
    assert (fault.status, fault.message, fault.not_called) == (status, message, kind == "not_called")


@pytest.mark.parametrize("kind", ["refused", "unsupported"])
def test_a_call_that_is_not_made_is_not_judged(kind: Kind) -> None:
    assert checks.is_unjudged(Observation(kind))
    assert checks.missing_output(Observation(kind)) is None
    assert not checks.is_unjudged(Observation("answer"))


def test_an_exact_output_may_differ_by_the_tolerance_of_its_grade() -> None:
    operands = draw(PROBLEM, "exact", 1, 64.0)
    output = oracle.answer(PROBLEM, operands) + 0.125
    assert checks.check_exact(CASE, operands, observation_of(output), "B") is None
    fault = checks.check_exact(CASE, operands, observation_of(output), "A")
    assert fault is not None
    assert fault.wrong == output.size


def test_repeated_calls_give_the_same_bits() -> None:
    operands = draw(PROBLEM)
    output = oracle.answer(PROBLEM, operands)
    assert checks.check_exact(CASE, operands, observation_of(output, is_unstable=True), "A") == checks.UNSTABLE
    gaussian = Case(PROBLEM, "gaussian")
    operands = draw(PROBLEM, "gaussian")
    unstable = observation_of(oracle.answer(PROBLEM, operands), is_unstable=True)
    assessment = checks.check_family(gaussian, operands, unstable, "", statistics=True)
    assert (assessment.fault, assessment.grade) == (checks.UNSTABLE, "A")


def test_a_blank_expected_output_proves_nothing() -> None:
    operands = draw(PROBLEM)
    assert checks.check_informative(PROBLEM, oracle.answer(PROBLEM, operands)) is None
    blank = Operands(operands.input * 0, operands.weight, None)
    fault = checks.check_informative(PROBLEM, oracle.answer(PROBLEM, blank))
    assert fault is not None
    assert fault.status == "vacuous"


@pytest.mark.parametrize(
    ("family", "claim"), [("subnormal_weights", "loses_subnormals"), ("near_overflow", "overflows"), ("gaussian", "")]
)
def test_leniency_is_claimed_for_faults_that_follow_from_transforms(family: str, claim: str) -> None:
    case, operands = Case(PROBLEM, family), draw(PROBLEM, family)
    wrong = {"near_overflow": np.inf, "subnormal_weights": 0.0}.get(family, 9.0)
    output = oracle.answer(PROBLEM, operands).astype(np.float32)
    output[0] = wrong
    assessment = checks.check_family(case, operands, observation_of(output), "", statistics=False)
    assert assessment.fault is not None
    assert (assessment.grade, assessment.lenient_if) == ("F", claim)
    assert checks.check_family(case, operands, right(case, operands), "", statistics=False).lenient_if == ""
    wrong_form = checks.check_family(case, operands, observation_of(output[:1]), "", statistics=False)
    assert (wrong_form.grade, wrong_form.lenient_if) == ("", "")


def test_spreading_nan_is_claimed_except_in_required_bfloat16() -> None:
    for dtype, level, claim in (("float32", "required", "spreads"), ("bfloat16", "recommended", "spreads")):
        fault, lenient_if = spread(dtype, level)
        assert fault
        assert lenient_if == claim
    assert spread("bfloat16", "required") == (False, "")


def spread(dtype: str, level: str) -> tuple[bool, str]:
    """Return True and the claim if the check finds a fault in an output that is NaN everywhere."""
    problem = PROBLEM.replace(dtype=dtype)
    operands = draw(problem)
    input = operands.input.copy()
    input[:, 0, 0, 0] = np.nan
    output = np.full(problem.output_shape, np.nan, np.float32)
    assessment = checks.check_nonfinite(
        Case(problem),
        Operands(input, operands.weight, operands.bias),
        Observation("answer", output, dtype),
        "",
        "required" if level == "required" else "recommended",
    )
    return assessment.fault is not None, assessment.lenient_if


def test_a_promoted_output_has_the_wider_dtype_and_its_accuracy() -> None:
    operands = draw(PROBLEM, "gaussian")
    call = Call(
        operands.input.astype(np.float64), operands.weight, operands.bias, {}, ("float64", "float32", "float32")
    )
    exact = oracle.answer(PROBLEM, operands)
    assert checks.check_promotion(CASE, call, Observation("answer", exact, "float64")) is None
    rounded = exact.astype(np.float32)
    for narrow in (Observation("answer", rounded.astype(np.float64), "float64"), right(CASE, operands)):
        fault = checks.check_promotion(CASE, call, narrow)
        assert fault is not None
        assert fault.status == "answered_invalid"
        assert f"with the accuracy of float32, as {narrow.dtype}" in fault.message
    for wrong in (Observation("answer", exact + 1, "float64"), Observation("answer", rounded + 1, "float32")):
        fault = checks.check_promotion(CASE, call, wrong)
        assert fault is not None
        assert fault.status == "failed"


def test_an_answered_call_that_is_an_error_names_it() -> None:
    spelled = Case(PROBLEM, arguments=(("stride", 0), ("groups", "2")))
    assert checks.spelling(spelled) == "stride=0, groups='2'"
    assert checks.check_refused(spelled, Observation("answer")).message.endswith("with stride=0, groups='2'")
    fault = checks.check_refused(Case(PROBLEM, invalid_call="bias_of_one"), Observation("answer"))
    assert fault.message.endswith("the bias has one element and would be broadcast")
