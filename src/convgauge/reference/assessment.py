"""Assessment of one case, and the assessment of an output against the error bound of a grade."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NoReturn

from convgauge.problem import Problem
from convgauge.reference import accuracy, compare
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
from convgauge.terms import Grade
from convgauge.worker.call import Observation

MAX_MARGIN = 1e9
"""Recorded in place of a larger margin, of NaN and of infinity, which JSON cannot represent."""

Leniency = Literal["", "spreads", "loses_subnormals", "overflows"]
"""Property of a fast algorithm that would excuse a fault; "" if none would."""


@dataclass(frozen=True)
class Assessment:
    """Result of a check of one case.

    Attributes
    ----------
    fault : Fault or None
        First wrong output, or None if the case passes.
    grade : {"A", "B", "C", "F", ""}
        Grade of accuracy, or "" if none was measured.
    margin : float or None
        Largest error divided by its bound (1 is the limit), or None if none was measured.
    reduction : int
        Number of products of one output, recorded together with ``margin``.
    lenient_if : Leniency
        Property of a fast algorithm that would excuse the fault. `convgauge.conformance.leniency` decides the claim.
    unanswered : Observation or None
        Further call of the check that was refused or declined, so that the case shows nothing; None if there is none.
    comparisons, differences : int
        Outputs that were compared bit for bit with that of the case, and those that differ.
    """

    fault: Fault | None = None
    grade: Grade = ""
    margin: float | None = None
    reduction: int = 0
    lenient_if: Leniency = ""
    unanswered: Observation | None = None
    comparisons: int = 0
    differences: int = 0

    def __bool__(self) -> NoReturn:
        raise TypeError("an assessment has no truth value: compare its fault with None")


def assess_accuracy(
    output: Array, problem: Problem, operands: Operands, declared_grade: str, *, statistics: bool = True
) -> Assessment:
    """Assess an output against the error bound of the declared grade, or of grade B if none is declared.

    Parameters
    ----------
    output : numpy.ndarray
        Output of shape ``problem.output_shape`` in its carrier dtype.
    problem : Problem
        Parameters of the convolution.
    operands : Operands
        Operands that the output was computed from.
    declared_grade : {"A", "B", "C", ""}
        Grade that the implementation declares.
    statistics : bool
        Also test the mean square and the bias of the errors (see `convgauge.reference.accuracy.measure`).
    """
    scale = accuracy.Scale.of(problem, operands)
    measured = accuracy.measure(output, scale, operands, statistics)
    required = declared_grade or "B"
    margin = measured.componentwise if required == "A" else measured.margin
    fault = None
    if accuracy.ORDER.index(measured.grade) > accuracy.ORDER.index(required):
        demand = f"{required} is {'declared' if declared_grade else 'required'}"
        fault = _accuracy_fault(output, scale, operands, measured, required, demand)
    return Assessment(fault, measured.grade, margin if margin < MAX_MARGIN else MAX_MARGIN, problem.reduction)


def _accuracy_fault(
    output: Array, scale: accuracy.Scale, operands: Operands, measured: accuracy.Accuracy, required: str, demand: str
) -> Fault:
    """Return the fault of an output whose grade is lower than required."""
    bound, _ = scale.bounds(required, operands)
    message = (
        f"accuracy of grade {measured.grade}, where {demand}: largest error {measured.componentwise:.3g} of its"
        f" componentwise bound, mean square {measured.mean_square:.3g}, bias {measured.bias:.3g} of their limits"
    )
    fault = compare.check_values(output, scale.exact, bound)
    if fault is not None:
        return replace(fault, message=f"{message}; {fault.message}", kind="accuracy")
    index = measured.index
    return Fault(
        "failed", message, index, f"{float(output[index]):.9g}", f"{float(scale.exact[index]):.9g}",
        f"{float(bound[index]):.6g}", 0, output.size, kind="accuracy",
    )  # fmt: skip
