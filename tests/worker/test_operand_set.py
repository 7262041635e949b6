"""Operand sets of timed calls: flipped signs, operands that move, and operands that ``prepare`` has used."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.reference import operands
from convgauge.registry import Declaration, is_installed
from convgauge.worker import frameworks
from convgauge.worker.forms import Form
from convgauge.worker.operand_set import OperandSet

PROBLEM = Problem.parse("n1c2h5w5_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32")
FLIPS = [[0, 0, 1, 1], [0, 1, 2, 3], [0, 0, 4, 4]]


def placed(framework: str, problem: Problem = PROBLEM, prepared: Any = None) -> tuple[OperandSet, np.ndarray]:
    """Return a set whose call returns its operands, and the values of its input."""
    if not is_installed(framework):
        pytest.skip(f"{framework} is not installed")
    drawn = operands.draw(problem, "exact", 1)
    implementation = SimpleNamespace(prepared=prepared, declaration=Declaration("kernel"))
    form = Form(lambda *given, **_: dict(enumerate(given)))
    adapter = frameworks.framework(framework)
    subject: Any = SimpleNamespace(implementation=implementation, framework=adapter, form=form)
    operand_set = OperandSet(subject, problem, (drawn.input, drawn.weight, drawn.bias), FLIPS)
    operand_set.prepare()
    return operand_set, drawn.input


def numbers(operand_set: OperandSet, array: Any) -> np.ndarray:
    """Return the values of an array in float64."""
    return operand_set.framework.read(array)[0].astype(np.float64)


@pytest.mark.parametrize(
    ("framework", "dtype"),
    [("numpy", "float32"), ("numpy", "int32"), ("torch", "float32"), ("torch", "bfloat16"), ("jax", "float32")],
)
def test_one_sign_is_flipped_at_a_time(framework: str, dtype: str) -> None:
    operand_set, input = placed(framework, PROBLEM.replace(dtype=dtype))
    for tick in (0, 2, 4, 6):
        expected = input.astype(np.float64)
        index = tuple(FLIPS[tick // 2 % 3])
        expected[index] = -expected[index]
        np.testing.assert_array_equal(numbers(operand_set, operand_set.input_of(tick, 2)), expected)


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_operands_move_and_stay_what_they_were(framework: str) -> None:
    operand_set, input = placed(framework)
    operand_set.input_of(0, 1)
    generator, addresses = random.Random(0), set()
    for _ in range(20):
        operand_set.drop()
        operand_set.place_again(generator)
        addresses.add(operand_set.framework.address_range(operand_set.operands[0])[0])
        given = operand_set.run(operand_set.operands[0])
        np.testing.assert_array_equal(numbers(operand_set, given[0]), input)
        assert given[1] is operand_set.operands[1]
    assert len(addresses) > 1


def test_what_a_prepare_has_seen_stays() -> None:
    prepares: list[Any] = []

    def prepared(problem: Problem, weight: Any, bias: Any) -> Any:
        prepares.append(weight)
        return lambda array: array

    operand_set, _ = placed("numpy", prepared=prepared)
    run = operand_set.run
    operand_set.drop()
    operand_set.place_again(random.Random(0))
    assert len(prepares) == 1
    assert operand_set.run is run
    assert operand_set.operands[1] is prepares[0]


def test_an_input_that_cannot_be_written_to_is_a_new_object_for_each_call() -> None:
    operand_set, _ = placed("jax")
    inputs = [operand_set.input_of(tick, 1) for tick in range(2 * len(FLIPS))]
    assert len({id(array) for array in inputs}) == len(inputs)
    np.testing.assert_array_equal(numbers(operand_set, inputs[0]), numbers(operand_set, inputs[len(FLIPS)]))
