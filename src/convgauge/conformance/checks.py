"""Checks of one case: each returns an assessment, or a fault or None, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np

from convgauge.conformance import leniency
from convgauge.conformance.cases import Case
from convgauge.conformance.invalid_calls import INVALID_CALLS
from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.reference import accuracy, compare, oracle, projection
from convgauge.reference.assessment import Assessment, assess_accuracy
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
from convgauge.terms import FaultKind, Level
from convgauge.worker.call import Call, Observation, SideEffectKind

Check = Callable[[Case, Operands, Observation], Assessment]
SpecCheck = Callable[[Case, Operands, Observation], "Assessment | Fault | None"]
"""Check that a spec defines: it may return a fault, or None if the case passes, in place of an assessment."""

PASSED = Assessment()
UNSTABLE = Fault("failed", "another call with the same operands gave other bits", kind="unstable")


KINDS_OF_SIDE_EFFECTS: dict[SideEffectKind, FaultKind] = {
    "mutated": "side_effect",
    "aliased": "aliased",
    "rewritten": "rewritten",
    "byte_order": "dtype",
    "device": "device",
    "global_state": "global_state",
}
"""Kind of the fault of a call by the kind of its first side effect."""


class Ask(Protocol):
    """Function that a law calls for the output of a further call, as integers in float64."""

    def __call__(self, problem: Problem, operands: Operands, /) -> Array:
        """Make a call and return its output."""
        ...


Law = Callable[[Ask, Problem, Operands], tuple[Array, Array]]
"""Function of (ask, problem, operands) that returns two arrays, which must be equal."""

LAW_HEADROOM = 4.0
"""Factor by which a law's operands stay below the limit of exact ones: as many outputs may be added."""


class UnansweredError(Exception):
    """A call of a law had no output of the right form; ``fault`` is None if the call was refused or declined."""

    def __init__(self, fault: Fault | None, observation: Observation) -> None:
        super().__init__()
        self.fault, self.observation = fault, observation


def as_assessment(result: Assessment | Fault | None) -> Assessment:
    """Return the assessment of a spec's own check."""
    return result if isinstance(result, Assessment) else Assessment(result)


def is_unjudged(observation: Observation) -> bool:
    """Return True if the call was refused or declined, or cannot be made in the subject's framework."""
    return observation.kind in ("unsupported", "refused", "declined")


def missing_output(observation: Observation) -> Fault | None:
    """Return a fault if a valid call gave no output. A refused call is no fault (see `is_unjudged`)."""
    message = observation.message
    if observation.kind == "raised":
        error = observation.error[0]
        return Fault(
            "errored", f"raised {error}: {message}; {how_to_refuse(error)}", got=error,
            expected="an answer", kind="raised",
        )  # fmt: skip
    if observation.kind in ("crashed", "timed_out", "not_called"):
        ending: Literal["timed_out", "crashed"] = "timed_out" if observation.kind == "timed_out" else "crashed"
        sentence = f"the implementation's process {message}"
        is_not_called = observation.kind == "not_called"
        kind = _kind_of_ending(observation, ending)
        return Fault(ending, sentence, got=message, expected="an answer", not_called=is_not_called, kind=kind)
    if observation.kind == "not_an_array":
        return Fault("failed", f"the call {message}", kind="type")
    if observation.kind == "unreadable":
        return Fault("failed", f"its output cannot be read: {message}", kind="type")
    return None


def _kind_of_ending(observation: Observation, ending: FaultKind) -> FaultKind:
    """Return the kind of the fault of a process that ended or did not reply."""
    if observation.disturbs_pipe:
        return "noise"
    return "out_of_bounds" if observation.touched else ending


def how_to_refuse(error: str) -> str:
    """Return what makes an exception a refusal, if the author of the kernel means it as one."""
    return f"if this is a limit, raise or assert it in the kernel's own code, or use --supports or --refusals {error}"


def side_effects(observation: Observation) -> Fault | None:
    """Return a fault if the call changed anything besides its output."""
    if not observation.side_effects:
        return None
    sentences = "; ".join(effect.sentence for effect in observation.side_effects)
    kind = KINDS_OF_SIDE_EFFECTS[observation.side_effects[0].kind]
    return Fault("failed", f"the call {sentences}", expected="nothing but a fresh output", kind=kind)


def check_form(case: Case, observation: Observation) -> Fault | None:
    """Return a fault if the output has not the shape and the dtype of the problem."""
    problem = case.problem
    return compare.check_form(observation.shape, observation.dtype, problem.output_shape, problem.dtype)


def check_equal(case: Case, observation: Observation, expected: Array, tolerance: float) -> Fault | None:
    """Return a fault if the output differs from the expected one, or if repeated calls differ in a bit."""
    fault = compare.check_output(observation.output, observation.dtype, expected, case.problem.dtype, tolerance)
    return fault or (UNSTABLE if observation.is_unstable else None)


def check_exact(case: Case, operands: Operands, observation: Observation, declared_grade: str) -> Fault | None:
    """Return a fault if the output is not the exact one, within the tolerance of the declared grade."""
    tolerance = accuracy.integer_tolerance(case.problem, declared_grade)
    expected = projection.answer(case.problem, operands, observation.output, tolerance)
    return check_equal(case, observation, expected, tolerance)


def check_informative(problem: Problem, expected: Array) -> Fault | None:
    """Return a fault if the expected output is mostly zero or constant; a gradient is zero where no window reaches."""
    if problem.direction != "forward" or compare.is_informative(expected):
        return None
    return Fault("vacuous", "the expected output is mostly zero or constant: the case proves nothing", kind="vacuous")


def check_promotion(case: Case, call: Call, observation: Observation) -> Fault | None:
    """Return a fault if the output of a call with two dtypes has not the wider dtype, or not the accuracy of grade B.

    conv2d refuses such a call. An output that is right to the narrower of the two dtypes is therefore the answer of an
    invalid call, and not a wrong one.

    Parameters
    ----------
    case : Case
        Case that was called.
    call : Call
        Call as it was made, with its dtypes.
    observation : Observation
        Observation of the call.
    """
    narrow, *_, wide = sorted(call.dtypes, key=lambda name: DTYPES[name].digits)
    given = Operands(call.input, call.weight, call.bias)
    expected, magnitude = oracle.answer(case.problem, given), oracle.magnitude(case.problem, given).max(initial=0.0)
    terms = case.problem.reduction + 1 + accuracy.transform_terms(case.problem)

    def fault_in(output_dtype: str, accuracy_dtype: str) -> Fault | None:
        bound = 2 * terms * DTYPES[accuracy_dtype].roundoff * magnitude
        return compare.check_output(observation.output, observation.dtype, expected, output_dtype, bound)

    fault = fault_in(wide, wide)
    if fault is None or all(fault_in(dtype, narrow) for dtype in {wide, narrow}):
        return fault
    return Fault(
        "answered_invalid",
        f"answered operands of {narrow} and {wide} with the accuracy of {narrow}, as {observation.dtype}",
        got=observation.dtype,
        expected=f"an exception, or {wide} with its accuracy",
        kind="answered_invalid",
    )


def check_accuracy(
    case: Case, operands: Operands, observation: Observation, declared_grade: str, *, statistics: bool = False
) -> Assessment:
    """Assess the output against the error bound of the declared grade, or of grade B if none is declared."""
    fault = check_form(case, observation)
    if fault is not None or observation.output is None:
        return Assessment(fault)
    return assess_accuracy(observation.output, case.problem, operands, declared_grade, statistics=statistics)


def check_family(
    case: Case, operands: Operands, observation: Observation, declared_grade: str, *, statistics: bool
) -> Assessment:
    """Assess the output as `check_accuracy` does, and claim leniency for faults that follow from transforms."""
    assessment = check_accuracy(case, operands, observation, declared_grade, statistics=statistics)
    if assessment.fault is None:
        return replace(assessment, fault=UNSTABLE) if observation.is_unstable else assessment
    if not assessment.grade or observation.output is None:
        return assessment
    if case.operands == "subnormal_weights":
        # Transformed weights underflow. What that loses is multiplied by the transformed input and by the transform of
        # the output, about 2^20 together: more than the output.
        return replace(assessment, lenient_if="loses_subnormals")
    if case.operands == "near_overflow" and leniency.is_only_overflow(case.problem, operands, observation.output):
        return replace(assessment, lenient_if="overflows")
    return assessment


def check_nonfinite(
    case: Case, operands: Operands, observation: Observation, declared_grade: str, level: Level
) -> Assessment:
    """Assess the output on operands with NaN and infinities, and claim leniency if it is wrong only where they spread.

    A required spec does not count spreading in bfloat16. Intel's VDPBF16PS and Arm's BFDOT add products two at a time,
    so that an odd reduction multiplies one more element by zero.
    """
    expected = round_to(oracle.answer(case.problem, operands), case.problem.dtype)
    tolerance = accuracy.integer_tolerance(case.problem, declared_grade)
    fault = check_equal(case, observation, expected, tolerance)
    if fault is None or fault.mask is None or observation.output is None:
        return Assessment(fault)
    if not leniency.is_only_spread(case.problem, operands, observation.output, expected, tolerance):
        return Assessment(fault)
    if case.problem.dtype == "bfloat16" and level == "required":
        return PASSED
    return Assessment(fault, lenient_if="spreads")


def check_refused(case: Case, observation: Observation) -> Fault:
    """Return the fault of an output where the call is an error."""
    reason = INVALID_CALLS[case.invalid_call].sentence if case.invalid_call else f"with {spelling(case)}"
    shape = f"an output of shape {observation.shape}"
    return Fault(
        "answered_invalid", f"answered a call that is an error: {reason}", got=shape, expected="an exception",
        kind="answered_invalid",
    )  # fmt: skip


def spelling(case: Case) -> str:
    """Return the arguments that a case spells itself, as Python code."""
    return ", ".join(f"{name}={value!r}" for name, value in case.arguments)


def check_law(case: Case, operands: Operands, law: Law, observe: Callable[[Case, Operands], Observation]) -> Assessment:
    """Assess the relation of several outputs that a law states; ``observe`` makes its calls."""

    def ask(problem: Problem, given: Operands) -> Array:
        further = replace(case, problem=problem)
        observation = observe(further, given)
        if is_unjudged(observation):
            raise UnansweredError(None, observation)
        fault = missing_output(observation) or check_form(further, observation)
        if observation.output is None or fault is not None:
            raise UnansweredError(fault, observation)
        # integers, from which an output of grade B differs by less than 1/2
        return np.asarray(np.rint(observation.output.astype(np.float64)))

    try:
        output, expected = law(ask, case.problem, operands)
    except UnansweredError as error:
        return Assessment(error.fault, unanswered=error.observation if error.fault is None else None)
    fault = compare.check_values(output, expected, 0.0)
    return Assessment(None if fault is None else replace(fault, kind="relation"))
