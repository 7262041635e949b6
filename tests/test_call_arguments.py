"""Arguments of a call: their spellings, and the messages about invalid ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgauge.arguments import check_input, dtype_name, resolve
from convgauge.problem import Problem

INPUT, WEIGHT, BIAS = np.ones((2, 4, 7, 9)), np.ones((6, 2, 3, 2)), np.ones(6)
EXPECTED = Problem(2, 4, 7, 9, 6, (3, 2), (2, 1), (1, 1), (1, 3), 2, True, "float64")


@pytest.mark.parametrize(
    "arguments",
    [
        {"stride": (2, 1), "padding": 1, "dilation": (1, 3), "groups": 2},
        {"stride": [2, 1], "padding": [1], "dilation": [1, 3], "groups": np.int64(2)},
        {"stride": (np.int32(2), 1), "padding": np.int8(1), "dilation": (1, 3), "groups": 2},
    ],
)
def test_a_problem_has_one_form_for_all_spellings(arguments: dict[str, Any]) -> None:
    problem = resolve(INPUT, WEIGHT, BIAS, **arguments)
    assert problem == EXPECTED
    assert type(problem.groups) is type(problem.stride[0]) is type(problem.padding[0]) is int


def test_a_word_is_kept_as_padding() -> None:
    assert resolve(INPUT, WEIGHT, padding="same", groups=2).padding == "same"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"stride": True}, TypeError, "stride = True must be a whole number, not bool"),
        ({"stride": 1.0}, TypeError, "stride = 1.0 must be a whole number, not float"),
        ({"dilation": None}, TypeError, "dilation = None must be a whole number, not NoneType"),
        ({"padding": (1, 1, 1)}, ValueError, "padding = .1, 1, 1. has 3 numbers"),
        ({"groups": 0}, ValueError, "groups = 0 is not positive"),
        ({"groups": 1}, ValueError, "weight of shape .6, 2, 3, 2. in groups = 1 takes 2 channels, the input has 4"),
        ({"bias": np.ones(5)}, ValueError, "bias has 5 elements, the weight 6 output channels"),
        ({"bias": np.ones(6, np.float32)}, TypeError, "bias is of dtype float32, the input of float64"),
        ({"input": INPUT[0]}, NotImplementedError, "input without a batch axis"),
        ({"weight": 3}, TypeError, "weight is 3, not an array"),
        ({"dtypes": ("float32",)}, NotImplementedError, "input of dtype float64: supported are float32"),
    ],
)
def test_the_message_names_the_argument(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    valid = {"input": INPUT, "weight": WEIGHT, "bias": BIAS, "groups": 2}
    with pytest.raises(error, match=message):
        resolve(**{**valid, **arguments})


def test_a_prepared_layer_takes_only_inputs_of_its_problem() -> None:
    check_input(EXPECTED, INPUT)
    with pytest.raises(ValueError, match="prepared for"):
        check_input(EXPECTED, INPUT[:1])
    with pytest.raises(TypeError, match="input of dtype float32; prepared for float64"):
        check_input(EXPECTED, INPUT.astype(np.float32))


def test_the_name_of_a_dtype_is_that_of_numpy_without_its_byte_order() -> None:
    assert dtype_name(np.ones(1, ">f4")) == "float32"
