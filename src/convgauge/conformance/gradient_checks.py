"""Checks of gradients: integer operands on which they are exact, and what each call mode is expected to return."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convgauge.conformance.cases import Case, cases
from convgauge.conformance.execution import repeated
from convgauge.conformance.judge import Judge
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.reference import compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands, generator
from convgauge.worker.call import OPERANDS, Observation
from convgauge.worker.call_modes import LETTERS

COMPLEX = ("complex128", "complex64")
NARROW = ("float16", "bfloat16")
SUBSETS = ("i", "w", "b", "iw", "ib", "wb", "iwb")
"""Operands whose gradients may be asked for together."""

_BASE = Problem(batch=2, in_channels=3, height=7, width=8, out_channels=4, kernel=(3, 3), padding=(1, 1), bias=True)
KINDS = [
    _BASE,
    _BASE.replace(batch=3, in_channels=5, out_channels=6, kernel=(1, 1), padding=(0, 0), bias=False),
    _BASE.replace(height=8, width=9, stride=(2, 2)),
    _BASE.replace(in_channels=6, out_channels=6, groups=6),
    _BASE.replace(in_channels=4, out_channels=6, groups=2),
    _BASE.replace(padding=(2, 1), dilation=(2, 1), bias=False),
    _BASE.replace(in_channels=3, out_channels=6, groups=3, height=8, stride=(2, 2)),
    _BASE.replace(height=8, stride=(2, 2), kernel=(1, 1), padding=(0, 0), in_channels=4),
    _BASE.replace(kernel=(2, 3), padding=(0, 2), stride=(1, 2), bias=False),
    _BASE.replace(kernel=(4, 2), padding="same"),
]
"""Kinds of convolution for which libraries have backward passes of their own."""

Gradients = tuple[Array, Array, "Array | None"]
"""Gradients by input, weight and bias."""
Upstream = Callable[[Case, Operands], Array]
"""Function of a case and its operands that returns the gradient of the output."""


@dataclass(frozen=True)
class Expected:
    """Results that a call mode must return.

    Attributes
    ----------
    passes : tuple of (str, Gradients)
        Gradients of each backward pass, with words before "the gradient by the input".
    output : numpy.ndarray or None
        Output, or None if it is not compared.
    """

    passes: tuple[tuple[str, Gradients], ...]
    output: Array | None = None


Expect = Callable[[Case, Operands, Array], Expected]
"""Function of (case, operands, gradient of the output) that returns what a call mode must return."""


def integers(problem: Problem, shape: tuple[int, ...], purpose: str) -> Array:
    """Return integers from -4 to 4 without 0, whose sums of products are exact in float32; signs in narrower dtypes."""
    random = generator(problem, purpose, 0)
    largest = 1 if problem.dtype in NARROW else 4

    def draw() -> Array:
        return np.asarray(random.integers(1, largest + 1, shape) * random.choice([-1, 1], shape))

    values = draw()
    if problem.dtype in COMPLEX:
        values = values + 1j * draw()
    return np.asarray(values.astype(DTYPES[problem.dtype].carrier))


def small(case: Case, operands: Operands) -> Operands:
    """Return small integers as operands: the usual ones are too large for sums over images and positions."""
    problem, (input, weight, bias) = case.problem, case.layouts
    return Operands(
        repeated(integers(problem, problem.input_shape, "input"), input),
        repeated(integers(problem, problem.weight_shape, "weight"), weight),
        repeated(integers(problem, (problem.out_channels,), "bias"), bias) if problem.bias else None,
    )


def signs(case: Case, operands: Operands) -> Operands:
    """Return the signs of `small` operands, whose sums of up to 256 products are exact in bfloat16."""
    drawn = small(case, operands)
    return Operands(np.sign(drawn.input), np.sign(drawn.weight), None if drawn.bias is None else np.sign(drawn.bias))


def grad_output(case: Case, operands: Operands) -> Array:
    """Return an upstream gradient of small integers."""
    return integers(case.problem, case.problem.output_shape, "upstream")


def sign_of_grad_output(case: Case, operands: Operands) -> Array:
    """Return an upstream gradient of 1 and -1."""
    return np.asarray(np.sign(grad_output(case, operands)))


def largest_sum(problem: Problem) -> int:
    """Return the largest number of products that an output or a gradient adds."""
    return max(problem.reduction + 1, problem.reduction_in("grad_input"), problem.reduction_in("grad_weight"))


def expect_adjoint(case: Case, operands: Operands, g: Array) -> Expected:
    """Return the output and the gradients of one call and one backward pass."""
    problem = case.problem
    return Expected((("", oracle.adjoint(problem, operands, g)),), oracle.answer(problem, operands))


def first_fault(
    judge: Judge, named: Iterable[tuple[str, Array | None, Array | None]], remark: str = "", margin: float = 0.25
) -> Fault | None:
    """Return the fault of the first (name, gradient, expected gradient) that differ, or None.

    An expected gradient of None means that there must not be one. The remark is added to the message. The margin is
    the largest difference that is allowed unless grade A is declared.
    """
    for name, got, expected in named:
        if expected is None:
            if got is not None:
                return Fault("failed", f"{name}: a gradient where none was asked for{remark}", kind="graph")
            continue
        if got is None:
            return Fault("failed", f"{name}: no gradient{remark}", expected="an array", kind="graph")
        if got.shape != expected.shape:
            return Fault("failed", f"{name}: shape {got.shape}, not {expected.shape}{remark}", kind="gradient")
        fault = compare.check_values(
            got, expected, 0.0 if judge.declared_grade == "A" else margin, f"{name} is wrong{remark}"
        )
        if fault is not None:
            return replace(fault, mask=None, kind="gradient")  # the mask is not one of the output
    return None


def gradients(
    judge: Judge,
    table: Iterable[Problem | Case],
    wanted: str = "iwb",
    mode: str = "gradient",
    grad_output: Upstream = grad_output,
    *,
    expect: Expect = expect_adjoint,
    transform: Callable[[Case, Operands], Operands] = small,
    extra_layout: str = "contiguous",
    margin: Callable[[Problem], float] = lambda problem: 0.25,
    may_raise: bool = False,
) -> None:
    """Judge the first derivatives by the operands in ``wanted``, letters of "iwb", in each problem or case.

    Parameters
    ----------
    judge : Judge
        Judge of the spec.
    table : iterable of Problem or Case
        Cases.
    wanted : str
        Letters of the operands whose gradients are asked for.
    mode : str
        Call mode (`convgauge.worker.gradient_modes`).
    grad_output : callable
        Function of (case, operands) that returns the upstream gradient.
    expect : callable
        Function of (case, operands, upstream gradient) that returns what the mode must return.
    transform : callable
        Function of (case, operands) that returns integer operands.
    extra_layout : str
        Memory layout of the upstream gradient.
    margin : callable
        Function of the problem that returns the largest difference of a gradient unless grade A is declared.
    may_raise : bool
        The call may also raise an exception.
    """
    asked = [name for name, letter in zip(OPERANDS, LETTERS, strict=True) if letter in wanted]
    remark = "" if wanted in ("", LETTERS) else f" (asked for: {', '.join(asked)})"

    def upstream(case: Case, operands: Operands) -> Array:
        return repeated(grad_output(case, operands), extra_layout)

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        expected = expect(case, operands, upstream(case, operands))
        got = iter([*observation.extra_outputs, *[None] * 3 * len(expected.passes)])
        named = [
            (f"{words}the gradient by the {name}", next(got), gradient if letter in wanted else None)
            for words, by_operand in expected.passes
            for name, letter, gradient in zip(OPERANDS, LETTERS, by_operand, strict=True)
        ]
        fault = None
        if expected.output is not None:
            dtype, tolerance = case.problem.dtype, judge.tolerance(case.problem)
            fault = compare.check_output(observation.output, observation.dtype, expected.output, dtype, tolerance)
        return fault or first_fault(judge, named, remark, margin(case.problem))

    fields: dict[str, Any] = {"mode": mode, "extra_operand": upstream, "extra_layout": extra_layout, "wanted": wanted}
    if may_raise:
        judge.refuses(cases(table), unless=check, transform=transform, **fields)
    else:
        judge.satisfies(cases(table), check, transform=transform, **fields)
