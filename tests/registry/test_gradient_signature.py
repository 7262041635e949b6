"""Functions that compute a gradient: their direction by the names of their parameters, and their calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convgauge.registry.gradient_signature import as_operator, direction_of
from convgauge.registry.signature import SignatureError, UnsupportedArgument

FIRST, SECOND = np.zeros((2, 4, 3, 4)), np.zeros((4, 3, 2, 2))
SIZE = (2, 3, 7, 8)


def returned(**values: Any) -> dict[str, Any]:
    return values


def named(input_size: Any, weight: Any, grad_output: Any, stride: Any = 1) -> Any:
    return returned(input_size=input_size, weight=weight, grad_output=grad_output, stride=stride)


def short(dy: Any, w: Any, strides: Any = 1, pad: Any = 0, /, in_shape: Any = None) -> Any:
    return returned(dy=dy, w=w, strides=strides, pad=pad, in_shape=in_shape)


def transposed(input: Any, weight: Any, stride: Any = 1, output_padding: Any = 0) -> Any:
    return returned(input=input, weight=weight, stride=stride, output_padding=output_padding)


def of_weight(x: Any, grad: Any, w_shape: Any, dilation: Any = 1) -> Any:
    return returned(x=x, grad=grad, w_shape=w_shape, dilation=dilation)


def of_kernel_size(x: Any, grad: Any, kernel_size: Any) -> Any:
    return returned(x=x, grad=grad, kernel_size=kernel_size)


def forward(x: Any, weight: Any, bias: Any = None) -> Any:
    return returned(x=x, weight=weight, bias=bias)


def of_both_directions(input: Any, weight: Any, bias: Any, stride: Any, transposed: Any, output_padding: Any) -> Any:
    return returned(input=input, weight=weight, transposed=transposed)


def without_size(grad_output: Any, weight: Any, stride: Any = 1) -> Any:
    return returned(grad_output=grad_output, weight=weight, stride=stride)


@pytest.mark.parametrize(
    ("function", "direction"),
    [
        (named, "grad_input"), (short, "grad_input"), (transposed, "grad_input"), (without_size, "grad_input"),
        (of_weight, "grad_weight"), (of_kernel_size, "grad_weight"), (forward, "forward"), (max, "forward"),
        (of_both_directions, "forward"),
    ],
)  # fmt: skip
def test_the_direction_follows_from_the_names_of_the_parameters(function: Callable[..., Any], direction: str) -> None:
    assert direction_of(function) == direction


def test_arguments_are_passed_under_the_functions_names() -> None:
    got = as_operator(named, "grad_input")(FIRST, SECOND, None, stride=(2, 2), padding=(0, 0), input_size=SIZE)
    assert got["weight"] is SECOND
    assert got["grad_output"] is FIRST
    assert (got["input_size"], got["stride"]) == (SIZE, (2, 2))
    got = as_operator(short, "grad_input")(FIRST, SECOND, stride=2, padding=1, input_size=SIZE)
    assert got["dy"] is FIRST
    assert (got["strides"], got["pad"], got["in_shape"]) == (2, 1, SIZE)
    got = as_operator(of_weight, "grad_weight")(SECOND, FIRST, dilation=3, weight_size=SIZE)
    assert got["x"] is SECOND
    assert (got["grad"] is FIRST, got["w_shape"], got["dilation"]) == (True, SIZE, 3)


def test_a_size_that_is_no_parameter_follows_from_others() -> None:
    # two steps of 2 and two taps cover 6 of 7 rows, and three steps 8 of 8 columns
    got = as_operator(transposed, "grad_input")(FIRST, SECOND, stride=(2, 2), input_size=SIZE)
    assert got["output_padding"] == (1, 0)
    operator = as_operator(of_kernel_size, "grad_weight")
    assert operator(np.zeros((2, 5, 9, 9)), FIRST, weight_size=(4, 5, 2, 3))["kernel_size"] == (2, 3)


@pytest.mark.parametrize(
    ("function", "direction", "sizes"),
    [
        (without_size, "grad_input", {"input_size": SIZE}),  # a row is left over
        (without_size, "grad_input", {"input_size": (1, 3, 6, 8)}),  # one image, not two
        (transposed, "grad_input", {"input_size": (2, 5, 7, 8)}),
        (of_kernel_size, "grad_weight", {"weight_size": (3, 3, 2, 2)}),
    ],
)
def test_a_size_without_a_parameter_is_a_limit(
    function: Callable[..., Any], direction: Any, sizes: dict[str, Any]
) -> None:
    operands = (FIRST, SECOND) if direction == "grad_input" else (np.zeros((2, 3, 9, 9)), FIRST)
    with pytest.raises(UnsupportedArgument, match="its signature has no"):
        as_operator(function, direction)(*operands, stride=(2, 2) if direction == "grad_input" else 1, **sizes)


def test_an_argument_that_the_function_lacks_is_a_limit() -> None:
    operator = as_operator(named, "grad_input")
    operator(FIRST, SECOND, padding=0, groups=1, input_size=SIZE)
    with pytest.raises(UnsupportedArgument, match="its signature has no padding"):
        operator(FIRST, SECOND, padding=(0, 1), input_size=SIZE)


@pytest.mark.parametrize(
    ("function", "direction", "message"),
    [
        (forward, "grad_weight", "no parameter of this grad_weight takes the grad_output"),
        (lambda grad_output, weight, scale: None, "grad_input", "its parameter scale is no argument"),
        (named, "sideways", "direction 'sideways' is not one of"),
        (dict, "grad_input", "cannot be read"),
    ],
)
def test_a_signature_without_a_meaning_is_refused(function: Callable[..., Any], direction: Any, message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        as_operator(function, direction)
