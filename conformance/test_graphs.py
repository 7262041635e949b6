"""Graphs: gradients of several passes, of outputs that are changed in place, through hooks and in other threads."""

from dataclasses import replace
from typing import Any

import numpy as np

from convgauge.conformance import Case, Judge, spec
from convgauge.conformance.gradient_checks import KINDS, SUBSETS, Expected, expect_adjoint, gradients
from convgauge.reference import oracle
from convgauge.reference.operands import Array, Operands
from convgauge.worker.gradient_modes import ACCUMULATED

GRAPHS: dict[str, Any] = {"dtypes": ("float64", "float32"), "frameworks": ("torch",), "profile": "training"}


def negated(operands: Operands) -> Operands:
    """Return operands whose weight and bias are negated."""
    return Operands(operands.input, -operands.weight, None if operands.bias is None else -operands.bias)


@spec("graphs.retained", source="torch.autograd.backward, retain_graph", **GRAPHS)
def test_two_passes_of_a_graph(judge: Judge) -> None:
    """A graph that is retained gives the right gradients in each of two backward passes."""

    def expect(case: Case, operands: Operands, g: Array) -> Expected:
        first = oracle.adjoint(case.problem, operands, g)
        second = oracle.adjoint(case.problem, operands, -2 * g)
        passes = (("the first pass: ", first), ("the second pass: ", second))
        return Expected(passes, oracle.answer(case.problem, operands))

    gradients(judge, KINDS, mode="gradient_retained", expect=expect)


@spec("graphs.accumulated", source="torch.Tensor.grad", **GRAPHS)
def test_gradients_are_added_to_earlier_ones(judge: Judge) -> None:
    """Gradients are added to those that the operands have."""

    def expect(case: Case, operands: Operands, g: Array) -> Expected:
        x, w, b = oracle.adjoint(case.problem, operands, g)
        added = (x + ACCUMULATED, w + ACCUMULATED, None if b is None else b + ACCUMULATED)
        return Expected((("", added),), oracle.answer(case.problem, operands))

    for wanted in ("iwb", "w", "ib"):
        gradients(judge, KINDS, wanted, "gradient_accumulated", expect=expect)


@spec("graphs.shared", source="torch.autograd.backward", **GRAPHS)
def test_a_weight_in_two_calls(judge: Judge) -> None:
    """A weight and a bias that are used in two calls get the sum of both gradients."""

    def expect(case: Case, operands: Operands, g: Array) -> Expected:
        problem = case.problem
        other = Operands(-operands.input[..., ::-1, ::-1], operands.weight, operands.bias)
        by_input, by_weight, by_bias = oracle.adjoint(problem, operands, g)
        _, again, bias_again = oracle.adjoint(problem, other, g)
        both = None if by_bias is None or bias_again is None else by_bias + bias_again
        return Expected((("", (by_input, by_weight + again, both)),), oracle.answer(problem, operands))

    gradients(judge, KINDS, mode="gradient_shared", expect=expect)


@spec("graphs.interleaved", source="torch.no_grad", **GRAPHS)
def test_a_call_without_gradients_before_a_backward_pass(judge: Judge) -> None:
    """A call without gradients on other operands does not disturb a graph that is alive."""
    gradients(judge, KINDS, mode="gradient_interleaved")


@spec("graphs.updated", source="torch.optim.Optimizer.step", **GRAPHS)
def test_gradients_after_an_update(judge: Judge) -> None:
    """After the weight and the bias were changed in place, a further call and its gradients use the new ones."""

    def expect(case: Case, operands: Operands, g: Array) -> Expected:
        return expect_adjoint(case, negated(operands), g)

    gradients(judge, KINDS, mode="gradient_after_update", expect=expect)


@spec("graphs.modified", source="torch.autograd.Function, save_for_backward", **GRAPHS)
def test_operands_that_are_changed_before_the_backward_pass(judge: Judge) -> None:
    """If operands are changed in place before the backward pass, the gradients are right or an exception is raised."""

    def expect(case: Case, operands: Operands, g: Array) -> Expected:
        return replace(expect_adjoint(case, operands, g), output=None)

    for wanted in ("iw", "w", "i"):
        gradients(judge, KINDS[::2], wanted, "gradient_modified", expect=expect, may_raise=True)


@spec("graphs.in_place", source="torch.nn.ReLU, inplace", **GRAPHS)
def test_outputs_that_are_changed_in_place(judge: Judge) -> None:
    """The output may be changed in place, as relu_() does, before its gradients are taken."""

    def expect(case: Case, operands: Operands, g: Array) -> Expected:
        output = 2 * oracle.answer(case.problem, operands) + 1
        passed = oracle.adjoint(case.problem, operands, 2 * g * (output > 0))
        return Expected((("", passed),), np.maximum(output, 0))

    for wanted in SUBSETS[-2:]:
        gradients(judge, KINDS, wanted, "gradient_in_place", expect=expect)


@spec("graphs.thread", source="torch.autograd, multithreaded autograd", **GRAPHS)
def test_a_backward_pass_in_another_thread(judge: Judge) -> None:
    """Another thread than that of the call may take the gradients."""
    gradients(judge, KINDS[::2], mode="gradient_in_thread")


@spec("graphs.hooks", source="torch.Tensor.register_hook; torch.autograd.graph.saved_tensors_hooks", **GRAPHS)
def test_gradients_through_hooks(judge: Judge) -> None:
    """Hooks that change the gradient of the output, gradients of operands and saved tensors have their effect."""

    def expect(case: Case, operands: Operands, g: Array) -> Expected:
        return expect_adjoint(case, operands, -2 * g)

    gradients(judge, KINDS, mode="gradient_hooked", expect=expect)


@spec("graphs.recomputed", source="torch.utils.checkpoint, with use_reentrant", **GRAPHS)
def test_gradients_of_a_call_that_is_made_again(judge: Judge) -> None:
    """The gradients are exact where activation checkpointing makes the call again inside the backward pass."""
    gradients(judge, KINDS[::2], mode="gradient_recomputed")
