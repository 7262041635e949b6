"""Tests of the text of a call: code that makes the operands again, and results beside one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgauge.conformance import Case
from convgauge.conformance.call_text import MAX_NUMBERS, call_lines, number, output_lines
from convgauge.conformance.cases import with_arguments
from convgauge.conformance.execution import Execution
from convgauge.problem import Problem
from convgauge.worker.call import Call, Observation
from support.fake_runner import FakeRunner, exact_output

SMALL = Problem(batch=2, in_channels=2, height=3, width=3, out_channels=2, kernel=(2, 1), bias=True)


def call_of(case: Case, **fields: Any) -> Call:
    execution = Execution(FakeRunner(exact_output), "cpu")
    return execution.call(case, execution.draw(case), fields)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int16", "complex64"])
@pytest.mark.parametrize("operands", ["exact", "gaussian"])
def test_the_code_makes_the_operands_and_the_call_again(dtype: str, operands: str) -> None:
    if dtype.startswith("int") and operands == "gaussian":
        pytest.skip("integers have exact operands only")
    call = call_of(Case(SMALL.replace(dtype=dtype), operands=operands))
    given: dict[str, Any] = {}
    names = {"np": np, "conv2d": lambda *arrays, **arguments: given.update(arrays=arrays, arguments=arguments)}
    exec("\n".join(call_lines(call, "conv2d", "numpy")), names)
    assert given["arguments"] == call.arguments
    for array, expected in zip(given["arrays"], (call.input, call.weight, call.bias), strict=True):
        assert expected is not None
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


def test_arguments_are_spelled_as_in_the_call() -> None:
    case = with_arguments(SMALL.replace(bias=False), {"stride": [1, 1], "groups": None})
    assert list(call_lines(call_of(case), "conv2d", "numpy"))[-1] == (
        "output = conv2d(input, weight, None, stride=[1, 1], padding=(0, 0), dilation=(1, 1))"
    )


def test_arrays_of_torch_and_jax_are_made_by_them() -> None:
    call = call_of(Case(Problem()))
    assert next(call_lines(call, "conv2d", "torch")).endswith("]]]], dtype=torch.float32)")
    assert next(call_lines(call, "conv2d", "jax")).startswith("input  = jnp.array([[[[")


def test_layouts_modes_and_prepared_layers_are_stated() -> None:
    case = Case(SMALL, layouts=("fortran", "contiguous", "contiguous"), prepared=True)
    lines = list(call_lines(call_of(case, mode="several_inputs", extra_operand=np.zeros((1, 1, 1, 1))), "k", "numpy"))
    assert lines[0].endswith("# in memory: fortran")
    assert "extra  = np.array([[[[0]]]], np.float32)" in lines
    assert f'run    = k.prepare(Problem.parse("{SMALL}"), weight, bias)' in lines
    assert (
        lines[-1] == "# mode several_inputs: Prepare once, then run the input, the extra operand and the input again."
    )


def test_a_large_array_is_summarized() -> None:
    problem = SMALL.replace(height=MAX_NUMBERS)
    line = next(call_lines(call_of(Case(problem)), "conv2d", "numpy"))
    assert line.startswith("# input  = float32 of shape (2, 2, 40, 3): ")
    assert line.endswith(", …")
    assert (
        next(call_lines(call_of(Case(SMALL.replace(batch=0))), "conv2d", "numpy")) == "input  = np.zeros((0, 2, 3, 3))"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(0.1), "0.1"),
        (np.float32(3), "3"),
        (np.float64(-0.0), "-0.0"),
        (np.float16(np.inf), 'float("inf")'),
        (np.float32(1e30), "1e+30"),
        (np.int64(7), "7"),
        (np.complex64(1 + 2j), "(1+2j)"),
    ],
)
def test_numbers_are_short_and_exact(value: Any, text: str) -> None:
    assert number(value) == text


def test_an_exception_is_shown_beside_the_expected_output() -> None:
    expected = Observation("answer", np.ones((1, 1, 1, 2), np.float32), "float32")
    raised = Observation("raised", error=("ValueError", "Exception"), message="no padding", printed="hello\n")
    assert list(output_lines(raised, expected, None)) == [
        "printed   hello",
        "raised    ValueError: no padding",
        "expected  [[[[1, 1]]]]",
    ]
    lines = list(output_lines(expected, raised, None))
    assert lines == ["got       [[[[1, 1]]]]", "expected  an exception, such as ValueError: no padding"]
    unknown = Observation("unsupported", message="not known")
    assert list(output_lines(expected, unknown, None)) == ["got       [[[[1, 1]]]]"]
