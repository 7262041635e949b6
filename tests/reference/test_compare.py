"""Tests of comparisons: agreement, and the first wrong output."""

import math

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.reference import compare

SMALL = Problem(batch=2, in_channels=4, height=5, width=6, out_channels=2, kernel=(3, 2), padding=(1, 2), bias=True)
ODD = [
    SMALL,
    SMALL.replace(stride=(2, 3), dilation=(1, 2)),
    SMALL.replace(groups=2, kernel=(2, 4), bias=False),
    SMALL.replace(padding="same", kernel=(4, 2)),
    SMALL.replace(kernel=(1, 1), padding=(0, 0), groups=2),
]


INF, NAN = math.inf, math.nan


def fault_of(fault: compare.Fault | None) -> compare.Fault:
    assert fault is not None
    return fault


@pytest.mark.parametrize(
    ("got", "expected", "tolerance", "agrees"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0, True),
        ([1.0, 2.5], [1.0, 2.0], 0.25, False),
        ([1.0, 2.25], [1.0, 2.0], 0.25, True),
        ([NAN, 1.0], [NAN, 1.0], 0, True),
        ([NAN, 1.0], [0.0, 1.0], 1e9, False),
        ([0.0, 1.0], [NAN, 1.0], 1e9, False),
        ([NAN, 1.0], [0.0, 1.0], INF, False),
        ([INF], [INF], 0, True),
        ([-INF], [INF], 1e9, False),
        ([INF], [3e38], 1e9, False),
        ([3e38], [INF], 1e9, False),
        ([INF], [NAN], 1e9, False),
        ([0.0], [-0.0], 0, True),
        ([-0.0], [0.0], 0, True),
        ([[1.0]], [1.0], 0, False),
        ([1.0], [1.0, 1.0], 0, False),
        ([[1.0, 1.0]], [[1.0], [1.0]], 0, False),
        ([], [], 0, True),
    ],
)
def test_comparator(got: list[float], expected: list[float], tolerance: float, agrees: bool) -> None:
    assert (compare.check_values(np.array(got), np.array(expected), tolerance) is None) == agrees


def test_comparator_names_the_first_wrong_output() -> None:
    expected = np.zeros((2, 3))
    got = expected.copy()
    got[1, 2] = got[1, 1] = 5
    fault = fault_of(compare.check_values(got, expected, 0.25))
    assert (fault.index, fault.got, fault.expected, fault.wrong, fault.outputs) == ((1, 1), "5", "0", 2, 6)


def test_comparator_takes_a_bound_for_each_output() -> None:
    expected = np.zeros(3)
    assert compare.check_values(np.array([0.0, 1.0, 2.0]), expected, np.array([0, 1, 2])) is None
    assert fault_of(compare.check_values(np.array([0.0, 1.0, 2.0]), expected, np.array([0, 1, 1]))).index == (2,)


def test_the_form_is_the_exact_shape_and_dtype() -> None:
    assert compare.check_form((1, 2), "float32", (1, 2), "float32") is None
    assert "shape" in fault_of(compare.check_form((1, 2), "float32", (2, 1), "float32")).message
    assert "shape" in fault_of(compare.check_form((1, 2), "float32", (2,), "float32")).message
    assert "dtype" in fault_of(compare.check_form((1, 2), "float32", (1, 2), "float64")).message


def test_an_output_has_the_expected_form_and_values() -> None:
    expected = np.arange(6.0).reshape(1, 2, 3)
    assert compare.check_output(expected, "float32", expected, "float32", 0.0) is None
    assert "shape is ()" in fault_of(compare.check_output(None, "", expected, "float32", 0.0)).message
    assert "dtype" in fault_of(compare.check_output(expected, "float64", expected, "float32", 0.0)).message
    assert fault_of(compare.check_output(expected + 1, "float32", expected, "float32", 0.5)).wrong == 6
