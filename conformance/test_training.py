"""Training: gradients by input, weight and bias are the exact adjoints."""

import itertools
from typing import Any

import numpy as np

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.conformance.checks import SpecCheck
from convgauge.conformance.gradient_bounds import accurate_gradients, real_grad_output
from convgauge.conformance.gradient_checks import (
    COMPLEX,
    KINDS,
    SUBSETS,
    first_fault,
    grad_output,
    gradients,
    small,
)
from convgauge.conformance.random_problems import random_problems
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
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


@spec("training.gradient", source=AUTOGRAD, **EXACT)
def test_gradients(judge: Judge) -> None:
    """The gradients by input, weight and bias are the exact adjoints of the convolution."""
    gradients(judge, TABLE, "iwb")


@spec("training.accuracy", source="Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1", **EXACT)
def test_accurate_gradients(judge: Judge) -> None:
    """On normal operands the gradients err by no more than the rounding of their sums explains."""
    if judge.declared_grade == "C":
        judge.skip("a lower precision than the dtype's is declared")
    table = cases(TABLE[::2], operands="gaussian")
    judge.satisfies(table, accurate_gradients(judge), mode="gradient", extra_operand=real_grad_output, wanted="iwb")


@spec("training.gradient.one", source=AUTOGRAD, **EXACT)
def test_one_gradient(judge: Judge) -> None:
    """If the gradients of some operands are requested, they are returned, and no other."""
    for wanted in SUBSETS:
        gradients(judge, [problem for problem in KINDS if problem.bias or wanted != "b"], wanted)


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
    gradients(judge, TABLE[1::2], extra_layout="transposed")


@spec("training.empty", source=AUTOGRAD, **EXACT)
def test_gradients_of_an_empty_batch(judge: Judge) -> None:
    """The gradients of a batch of no images are zeros."""
    none = [problem.replace(batch=0) for problem in TABLE[::4]]
    gradients(judge, none, "wb")


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
