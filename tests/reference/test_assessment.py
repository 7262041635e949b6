"""Tests of assessments against the error bound of a grade."""

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.assessment import MAX_MARGIN, Assessment, assess_accuracy
from convgauge.reference.operands import Operands, draw

PROBLEM = Problem(batch=2, in_channels=16, height=8, width=9, out_channels=4, kernel=(3, 3), padding=(1, 1))


def output_of(operands: Operands) -> np.ndarray:
    return oracle.answer(PROBLEM, operands).astype(np.float32)


def test_a_right_output_passes_with_its_grade_and_margin() -> None:
    operands = draw(PROBLEM, "gaussian")
    for declared_grade in ("A", "B", ""):
        assessment = assess_accuracy(output_of(operands), PROBLEM, operands, declared_grade)
        assert (assessment.fault, assessment.grade, assessment.reduction) == (None, "A", 144)
        assert assessment.margin is not None
        assert 0 < assessment.margin < 1


def test_an_output_of_a_lower_grade_fails_unless_that_is_declared() -> None:
    operands = draw(PROBLEM, "gaussian")
    half = [array.astype(np.float16).astype(np.float32) for array in (operands.input, operands.weight)]
    output = output_of(Operands(half[0], half[1], None))
    assert assess_accuracy(output, PROBLEM, operands, "C").fault is None
    required = assess_accuracy(output, PROBLEM, operands, "")
    assert required.fault is not None
    assert required.fault.message.startswith("accuracy of grade C, where B is required")
    declared = assess_accuracy(output, PROBLEM, operands, "A")
    assert declared.fault is not None
    assert "where A is declared" in declared.fault.message


def test_an_infinite_error_has_a_finite_margin() -> None:
    operands = draw(PROBLEM, "gaussian")
    output = output_of(operands)
    output[1, 2, 3, 4] = np.nan
    assessment = assess_accuracy(output, PROBLEM, operands, "")
    assert (assessment.grade, assessment.margin) == ("F", MAX_MARGIN)
    assert assessment.fault is not None
    assert assessment.fault.index == (1, 2, 3, 4)


def test_a_fault_of_the_statistics_alone_names_the_largest_error() -> None:
    operands = draw(PROBLEM, "gaussian")
    exact = oracle.answer(PROBLEM, operands)
    output = (exact + np.sign(exact) * 2.0**-24 * 30 * np.abs(exact).mean()).astype(np.float32)  # all errors outwards
    assessment = assess_accuracy(output, PROBLEM, operands, "A")
    assert assess_accuracy(output, PROBLEM, operands, "A", statistics=False).fault is None
    assert assessment.fault is not None
    assert (len(assessment.fault.index), assessment.fault.wrong) == (4, 0)


def test_an_assessment_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="compare its fault with None"):
        bool(Assessment())
