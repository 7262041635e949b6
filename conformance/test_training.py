"""Training: gradients by input, weight and bias are the exact adjoints."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.conformance.checks import SpecCheck
from convgauge.conformance.random_problems import random_problems
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.reference import accuracy, compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands, generator
from convgauge.worker.call import Observation

AUTOGRAD = "torch.autograd; Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, chapter 4"
EXACT: dict[str, Any] = {"dtypes": ("float64", "float32"), "frameworks": ("torch",), "profile": "training"}

BASE = Problem(batch=2, in_channels=3, height=7, width=8, out_channels=4, kernel=(3, 2), padding=(1, 1), bias=True)
TABLE = [
    *problems(BASE, kernel=[(1, 1), (3, 2), (3, 3), (2, 4), (5, 5)], bias=[True, False]),
    *problems(BASE, stride=[(2, 2), (1, 3), (3, 1), (4, 2)], kernel=[(1, 1), (3, 3), (2, 3)], padding=[(0, 0), (1, 2)]),
    *problems(BASE, padding=[(0, 0), (0, 3), (4, 1), "same", "valid"], kernel=[(3, 3), (2, 5), (3, 4)]),
    *problems(BASE, dilation=[(2, 1), (1, 3), (2, 2)], padding=[(0, 0), (2, 3)], stride=[(1, 1), (2, 1)]),
    *problems(BASE, in_channels=4, out_channels=8, groups=[2, 4], stride=[(1, 1), (2, 2)], kernel=[(3, 3), (1, 1)]),
    *problems(BASE, in_channels=16, out_channels=17, height=5, width=5, kernel=[(1, 1), (3, 3)]),
    *problems(BASE, batch=[1, 5], height=[1, 6], width=[9], kernel=[(1, 3)], padding=[(0, 1)]),
    *problems(BASE, height=1, width=1, kernel=[(3, 3)], padding=[(1, 1), (2, 1)], stride=[(2, 2), (1, 2)]),
    *problems(BASE, height=3, width=2, padding=[(0, 0)], batch=[1, 3], bias=[True, False]),
    *problems(BASE, in_channels=4, out_channels=4, groups=[4], kernel=[(3, 3)], height=3, width=3, padding=[(0, 0)]),
    *problems(BASE, height=[8, 9], width=[10], stride=[(2, 3), (4, 4)], kernel=[(3, 3)], padding=[(0, 0), (1, 0)]),
]


def integers(problem: Problem, shape: tuple[int, ...], purpose: str) -> Array:
    """Return integers from -4 to 4 without 0: every sum of a gradient's products is exact in float32."""
    random = generator(problem, purpose, 0)
    real, imaginary = (random.integers(1, 5, shape) * random.choice([-1, 1], shape) for _ in range(2))
    values: Array = (real + 1j * imaginary if problem.dtype in COMPLEX else real).astype(problem.dtype)
    return values


def small(case: Case, operands: Operands) -> Operands:
    """Return small integers as operands: the usual ones are too large for sums over images and positions."""
    problem = case.problem
    bias = integers(problem, (problem.out_channels,), "bias") if problem.bias else None
    return Operands(
        integers(problem, problem.input_shape, "input"), integers(problem, problem.weight_shape, "weight"), bias
    )


def grad_output(case: Case, operands: Operands) -> Array:
    """Return an upstream gradient of small integers."""
    return integers(case.problem, case.problem.output_shape, "upstream")


def first_fault(judge: Judge, named: Iterable[tuple[str, Array | None, Array | None]]) -> Fault | None:
    """Return the fault of the first (name, gradient, expected gradient) that differ, or None.

    An expected gradient of None means that there must not be one.
    """
    for name, got, expected in named:
        if expected is None:
            if got is not None:
                return Fault("failed", f"{name}: a gradient where none was asked for", kind="graph")
            continue
        if got is None:
            return Fault("failed", f"{name}: no gradient", expected="an array", kind="graph")
        if got.shape != expected.shape:
            return Fault("failed", f"{name}: shape {got.shape}, not {expected.shape}", kind="gradient")
        fault = compare.check_values(got, expected, 0.0 if judge.declared_grade == "A" else 0.25, f"{name} is wrong")
        if fault is not None:
            return replace(fault, mask=None, kind="gradient")  # the mask is not one of the output
    return None


def gradients(
    judge: Judge,
    table: Iterable[Problem | Case],
    wanted: str,
    mode: str = "gradient",
    grad_output: Callable[[Case, Operands], Array] = grad_output,
) -> None:
    """Judge the first derivatives by the operands in ``wanted``, letters of "iwb", in each problem or case."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        by_input, by_weight, by_bias = oracle.adjoint(case.problem, operands, grad_output(case, operands))
        got = [*observation.extra_outputs, None, None, None]
        fault = judge.check_exact(case, operands, observation)
        return fault or first_fault(
            judge,
            [
                ("the gradient by the input", got[0], by_input if "i" in wanted else None),
                ("the gradient by the weight", got[1], by_weight if "w" in wanted else None),
                ("the gradient by the bias", got[2], by_bias if "b" in wanted and case.problem.bias else None),
            ],
        )

    judge.satisfies(cases(table), check, transform=small, mode=mode, extra_operand=grad_output, wanted=wanted)


@spec("training.gradient", source=AUTOGRAD, **EXACT)
def test_gradients(judge: Judge) -> None:
    """The gradients by input, weight and bias are the exact adjoints of the convolution."""
    gradients(judge, TABLE, "iwb")


def normal(case: Case, operands: Operands) -> Array:
    """Return an upstream gradient of standard normal numbers."""
    problem = case.problem
    return generator(problem, "upstream", case.seed).standard_normal(problem.output_shape).astype(problem.dtype)


def bounds(judge: Judge, problem: Problem, operands: Operands, g: Array) -> Iterator[Array | float | None]:
    """Yield the bounds of the gradients by input, weight and bias: gamma_n S, S the adjoint of the absolute values.

    The gradient by the input is a sum of O/G KH KW products, those by weight and bias are sums of N OH OW products
    (Higham, section 3.1). The transforms of fast algorithms add their terms, and the bound is that of the largest S.
    The reference is summed in float64, so that the bound of that dtype is twice as large.
    """
    bias = None if operands.bias is None else np.abs(operands.bias)
    sizes = oracle.adjoint(problem, Operands(np.abs(operands.input), np.abs(operands.weight), bias), np.abs(g))
    by_input = problem.out_channels // problem.groups * problem.kernel[0] * problem.kernel[1]
    by_output = problem.batch * problem.output_size[0] * problem.output_size[1]
    u = DTYPES[problem.dtype].roundoff * (2 if problem.dtype == "float64" else 1)
    for terms, size in zip((by_input, by_output, by_output), sizes, strict=True):
        if size is None or judge.declared_grade == "A":
            yield None if size is None else (terms + 1) * u * size
        else:
            yield (terms + accuracy.transform_terms(problem)) * u * size.max(initial=0.0)


@spec("training.accuracy", source="Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1", **EXACT)
def test_accurate_gradients(judge: Judge) -> None:
    """On normal operands the gradients err by no more than the rounding of their sums explains."""
    if judge.declared_grade == "C":
        judge.skip("a lower precision than the dtype's is declared")

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        g = normal(case, operands)
        exact = oracle.adjoint(case.problem, operands, g)
        for name, got, expected, bound in zip(
            ("input", "weight", "bias"),
            observation.extra_outputs,
            exact,
            bounds(judge, case.problem, operands, g),
            strict=True,
        ):
            if expected is None or bound is None:
                continue
            if got is None:
                return Fault("failed", f"the gradient by the {name}: none", kind="graph")
            if got.shape != expected.shape:
                return Fault("failed", f"the gradient by the {name}: {got.shape}", kind="gradient")
            fault = compare.check_values(
                got, expected, bound, f"the gradient by the {name} is less accurate than its dtype"
            )
            if fault is not None:
                return replace(fault, mask=None, kind="gradient")  # the mask is not one of the output
        return None

    table = cases(TABLE[::2], operands="gaussian")
    judge.satisfies(table, check, mode="gradient", extra_operand=normal, wanted="iwb")


@spec("training.gradient.one", source=AUTOGRAD, **EXACT)
def test_one_gradient(judge: Judge) -> None:
    """If the gradient of one or two operands is requested, it is returned, and no other."""
    for wanted in ("i", "w", "b", "iw", "wb"):
        table = [problem for problem in TABLE[::4] if problem.bias or wanted != "b"]
        gradients(judge, table, wanted)


@spec("training.random", source=AUTOGRAD, **EXACT)
def test_gradients_of_any_problem(judge: Judge) -> None:
    """The gradients are exact whatever parameters and sizes come together."""
    count = 28 if judge.setting.tier == "quick" else 200
    drawn = random_problems(2 * count, f"gradients {judge.dtype} {judge.setting.seed}")
    gradients(judge, [problem.replace(batch=min(problem.batch, 4)) for problem in drawn][:count], "iwb")


@spec("training.layouts", source="torch.Tensor.stride", **EXACT)
def test_gradients_of_operands_with_gaps(judge: Judge) -> None:
    """The gradients are exact however input and weight lie in memory."""
    layouts = ("transposed", "channels_last", "sliced", "cropped", "fortran", "planes", "part")
    pairs = [(layout, "contiguous") for layout in layouts] + [("contiguous", layout) for layout in layouts]
    pairs += [(layout, layout) for layout in layouts]
    table = itertools.cycle(TABLE)
    gradients(judge, [Case(next(table), layouts=(*pair, "contiguous")) for pair in pairs for _ in range(2)], "iwb")


@spec("training.upstream", source="torch.Tensor.expand, which sum().backward() hands on", **EXACT)
def test_upstream_gradients_with_gaps(judge: Judge) -> None:
    """The gradients are exact where the upstream gradient repeats one element or is not contiguous."""

    def ones(case: Case, operands: Operands) -> Array:
        return np.ones(case.problem.output_shape, case.problem.dtype)

    gradients(judge, TABLE[::2], "iwb", mode="gradient_of_sum", grad_output=ones)
    gradients(judge, TABLE[1::2], "iwb", mode="gradient_turned")


@spec("training.empty", source=AUTOGRAD, **EXACT)
def test_gradients_of_an_empty_batch(judge: Judge) -> None:
    """The gradients of a batch of no images are zeros."""
    none = [problem.replace(batch=0) for problem in TABLE[::4]]
    gradients(judge, none, "wb")


COMPLEX = ("complex128", "complex64")


@spec("training.complex", source="torch's convention for complex autograd: the conjugate of the derivative",
      **{**EXACT, "dtypes": COMPLEX})  # fmt: skip
def test_complex_gradients(judge: Judge) -> None:
    """The gradients of complex operands are those by the conjugate operands."""
    gradients(judge, [problem for problem in TABLE if problem.dilation == (1, 1)], "iwb")


@spec("training.no_gradient", source=AUTOGRAD, **EXACT)
def test_no_gradient(judge: Judge) -> None:
    """If no gradient is requested, none is computed."""
    gradients(judge, TABLE[::4], "")


def second_check(judge: Judge) -> SpecCheck:
    """Return the check of the second derivatives."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        problem = case.problem
        g = grad_output(case, operands)
        by_input, by_weight, _ = oracle.adjoint(problem, operands, g)
        forward = oracle.answer(problem.replace(bias=False), Operands(operands.input, operands.weight, None))
        return first_fault(
            judge,
            [
                ("<gradient by the input, input> by the weight", observation.extra_outputs[0], by_weight),
                ("<gradient by the input, input> by the upstream gradient", observation.extra_outputs[1], forward),
                ("<gradient by the weight, weight> by the input", observation.extra_outputs[2], by_input),
                ("<gradient by the weight, weight> by the upstream gradient", observation.extra_outputs[3], forward),
            ],
        )

    return check


SECOND: dict[str, Any] = {"mode": "second_gradient", "extra_operand": grad_output, "wanted": "iw"}


@spec("training.second", level="recommended", source=AUTOGRAD, **EXACT)
def test_double_backward(judge: Judge) -> None:
    """Gradients can be differentiated again."""
    judge.satisfies([Case(problem) for problem in TABLE[::4]], second_check(judge), transform=small, **SECOND)


@spec("training.second.exact", source=AUTOGRAD, **EXACT)
def test_second_derivatives(judge: Judge) -> None:
    """Second derivatives are exact, or differentiating a gradient again raises an exception."""
    judge.refuses([Case(problem) for problem in TABLE], unless=second_check(judge), transform=small, **SECOND)


@spec("training.memory", source=AUTOGRAD, **EXACT)
def test_two_graphs_at_once(judge: Judge) -> None:
    """Gradients of two graphs that are alive at once do not disturb each other."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        g = grad_output(case, operands)
        expected = oracle.adjoint(case.problem, operands, g)
        other = Operands(-operands.input[..., ::-1, ::-1], -operands.weight[..., ::-1, ::-1], operands.bias)
        turned = oracle.adjoint(case.problem, other, g)
        names = ("the first graph's gradient by the input", "the first graph's gradient by the weight",
                 "the second graph's gradient by the input", "the second graph's gradient by the weight")  # fmt: skip
        return first_fault(
            judge, list(zip(names, observation.extra_outputs, [*expected[:2], *turned[:2]], strict=True))
        )

    judge.satisfies(
        [Case(problem) for problem in TABLE[::2]],
        check,
        transform=small,
        mode="two_graphs",
        extra_operand=grad_output,
        wanted="iw",
    )


@spec("training.unchanged", source=AUTOGRAD, **EXACT)
def test_operands_of_zeros(judge: Judge) -> None:
    """Operands of zeros get the gradients that their neighbours determine."""

    def blank(case: Case, operands: Operands) -> Operands:
        drawn = small(case, operands)
        return Operands(np.zeros_like(drawn.input), drawn.weight, drawn.bias)

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        by_input, by_weight, by_bias = oracle.adjoint(case.problem, operands, grad_output(case, operands))
        names = ("the gradient by the input", "the gradient by the weight", "the gradient by the bias")
        return first_fault(
            judge, list(zip(names, observation.extra_outputs, (by_input, by_weight, by_bias), strict=True))
        )

    judge.satisfies(
        [Case(problem) for problem in TABLE[::3]],
        check,
        transform=blank,
        mode="gradient",
        extra_operand=grad_output,
        wanted="iwb",
    )


@spec("training.used_later", source="torch.inference_mode, whose tensors no graph may save", **EXACT)
def test_an_output_without_gradient_as_an_operand(judge: Judge) -> None:
    """An output that came without a gradient can be an operand of a graph that has one, and be written to."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        expected = oracle.answer(case.problem, operands).sum()
        fault = judge.check_exact(case, operands, observation)
        return fault or first_fault(
            judge, [("the gradient of a factor of the output", observation.extra_outputs[0], expected)]
        )

    judge.satisfies([Case(problem) for problem in TABLE[::6]], check, transform=small, mode="used_later")
