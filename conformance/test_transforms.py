"""Transforms: gradients and maps of the call by torch.func, and gradients under torch.autocast."""

from dataclasses import replace
from typing import Any

import numpy as np

from convgauge.conformance import Case, Judge, cases, spec
from convgauge.conformance.checks import SpecCheck
from convgauge.conformance.gradient_checks import (
    KINDS,
    Expect,
    Expected,
    expect_adjoint,
    first_fault,
    grad_output,
    gradients,
    largest_sum,
    sign_of_grad_output,
    signs,
    small,
)
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.reference import compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
from convgauge.worker.call import Observation
from convgauge.worker.call_modes import LETTERS

TORCH: dict[str, Any] = {"profile": "torch", "frameworks": ("torch",), "dtypes": ("float32",)}
FUNC = "torch.func.vjp; torch.func.vmap"
AUTOCAST = "torch.autocast"


# --- maps ------------------------------------------------------------------------------------------------------------


def mapped(judge: Judge, letter: str) -> SpecCheck:
    """Return the check of a call that is mapped over an operand and its opposite."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        names = dict(zip(LETTERS, ("input", "weight", "bias"), strict=True))
        opposite = replace(operands, **{names[letter]: -getattr(operands, names[letter])})
        fault = judge.check_exact(case, operands, observation)
        if fault is not None:
            return fault
        expected = oracle.answer(case.problem, opposite)
        (second,) = observation.extra_outputs
        tolerance = judge.tolerance(case.problem)
        return compare.check_values(second, expected, tolerance, f"the output of the opposite {names[letter]} is wrong")

    return check


def having(letter: str) -> list[Problem]:
    """Return the problems that have an operand."""
    return [problem for problem in KINDS if problem.bias or letter != "b"]


@spec("transforms.vmap", level="recommended", source=FUNC, **TORCH)
def test_a_map_over_each_operand(judge: Judge) -> None:
    """torch.func.vmap maps the call over several inputs, weights or biases."""
    for letter in LETTERS:
        judge.satisfies(cases(having(letter)), mapped(judge, letter), mode="vmapped_operand", wanted=letter)


@spec("transforms.vmap.exact", source=FUNC, **TORCH)
def test_outputs_of_a_map(judge: Judge) -> None:
    """Mapped over an operand by torch.func.vmap, the call gives the right outputs or raises an exception."""
    for letter in LETTERS:
        judge.refuses(cases(having(letter)), unless=mapped(judge, letter), mode="vmapped_operand", wanted=letter)


# --- gradients of functions ------------------------------------------------------------------------------------------


@spec("transforms.vjp", level="recommended", source=FUNC, **TORCH)
def test_gradients_of_a_function(judge: Judge) -> None:
    """torch.func.vjp returns the gradients of the call."""
    gradients(judge, KINDS, mode="gradient_of_function")


@spec("transforms.vjp.exact", source=FUNC, **TORCH)
def test_gradients_of_a_function_are_exact(judge: Judge) -> None:
    """The gradients that torch.func.vjp returns are exact, or it raises an exception."""
    gradients(judge, KINDS, mode="gradient_of_function", may_raise=True)


def by_image(judge: Judge) -> SpecCheck:
    """Return the check of the gradients by the weight of each image."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        g, single = grad_output(case, operands), case.problem.replace(batch=1)
        parts = [
            oracle.adjoint(single, Operands(operands.input[n : n + 1], operands.weight, operands.bias), g[n : n + 1])[1]
            for n in range(case.problem.batch)
        ]
        expected = np.stack(parts) if parts else np.zeros((0, *case.problem.weight_shape))
        return first_fault(
            judge, [("the gradient by the weight of each image", observation.extra_outputs[0], expected)]
        )

    return check


BY_IMAGE: dict[str, Any] = {"mode": "gradient_per_image", "extra_operand": grad_output, "transform": small}


@spec("transforms.per_image", level="recommended", source=FUNC, **TORCH)
def test_gradients_of_each_image(judge: Judge) -> None:
    """torch.func.vmap of torch.func.grad returns the gradient by the weight of every image."""
    judge.satisfies(cases(KINDS), by_image(judge), **BY_IMAGE)


@spec("transforms.per_image.exact", source=FUNC, **TORCH)
def test_gradients_of_each_image_are_exact(judge: Judge) -> None:
    """The gradients of every image by torch.func.vmap are exact, or it raises an exception."""
    judge.refuses(cases(KINDS), unless=by_image(judge), **BY_IMAGE)


# --- autocast --------------------------------------------------------------------------------------------------------

CAST = [problem for problem in KINDS if largest_sum(problem) <= 256]  # bfloat16 counts to 256


def expect_cast(case: Case, operands: Operands, g: Array) -> Expected:
    """Return the gradients of one call, whose output may be bfloat16 or float32."""
    return replace(expect_adjoint(case, operands, g), output=None)


def transform_margin(problem: Problem) -> float:
    """Return the largest difference of a gradient by a fast algorithm, whose transforms are in bfloat16 as well.

    The error of Winograd's F(6x6, 3x3) was measured at 7 u S (`convgauge.reference.accuracy.transform_terms`), and S is
    the number of products of 1 and -1.
    """
    return 7.0 * DTYPES["bfloat16"].roundoff * largest_sum(problem)


def expect_updated(case: Case, operands: Operands, g: Array) -> Expected:
    """Return the gradients of a call with the opposite weight."""
    bias = None if operands.bias is None else -operands.bias
    return expect_cast(case, Operands(operands.input, -operands.weight, bias), g)


UNDER_AUTOCAST: dict[str, Expect] = {
    "gradient_autocast": expect_cast,
    "gradient_autocast_after_evaluation": expect_cast,
    "gradient_autocast_after_update": expect_updated,
}


def under_autocast(judge: Judge, may_raise: bool) -> None:
    """Judge the gradients of each mode under autocast, of all operands and of the weight alone."""
    for mode, expect in UNDER_AUTOCAST.items():
        for wanted in ("iwb", "w"):
            gradients(
                judge, CAST, wanted, mode, sign_of_grad_output, expect=expect, transform=signs,
                margin=transform_margin, may_raise=may_raise,
            )  # fmt: skip


@spec("transforms.autocast", level="recommended", source=AUTOCAST, **TORCH)
def test_gradients_under_autocast(judge: Judge) -> None:
    """Gradients can be taken of a call under torch.autocast, also after one without gradients and after an update."""
    under_autocast(judge, may_raise=False)


@spec("transforms.autocast.exact", source=AUTOCAST, **TORCH)
def test_gradients_under_autocast_are_exact(judge: Judge) -> None:
    """The gradients of a call under torch.autocast are those of the present operands, or an exception is raised."""
    under_autocast(judge, may_raise=True)
