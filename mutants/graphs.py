"""Mutants that keep state between calls and backward passes, or rely on how the graph around them is used."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import threading
import weakref
from typing import Any

import torch
from _backward import Backward, adjoint, by_hand
from _base import mutant, resolve
from torch.nn import functional as F  # noqa: N812


class _InContext(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """Convolution that keeps its operands in the context as they are."""

    @staticmethod
    def forward(context, input, weight, bias, problem, fault):
        context.input, context.weight, context.problem, context.fault = input, weight, problem, fault
        if fault == "overwritten":
            context.input = input.clone()
        return F.conv2d(input, weight, bias, **problem.arguments)

    @staticmethod
    def backward(context, grad):
        backward = Backward(context.problem, context.input, context.weight, grad)
        if context.fault == "added_by_itself" and context.needs_input_grad[1] and context.weight.grad is not None:
            context.weight.grad.zero_()
        dx, dw, db = adjoint(backward)
        if context.fault == "overwritten":
            context.input.mul_(-1)  # the buffer is used as workspace
        return (dx, dw, db if context.needs_input_grad[2] else None, None, None)


def with_fault(fault, input, weight, bias, *arguments):
    """Return the convolution with a fault of `_InContext`."""
    return _InContext.apply(input, weight, bias, resolve(input, weight, bias, *arguments), fault)


@mutant(
    "Uses the saved input as workspace of the backward pass, so that a second pass reads it changed.",
    mechanism="gradient_value",
    killed_by=("graphs.retained",),
    framework="torch",
    profile="training",
)
def saved_input_overwritten(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("overwritten", input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Keeps its operands outside the saved tensors, so that a change of them in place goes unnoticed.",
    mechanism="gradient_value",
    killed_by=("graphs.modified",),
    framework="torch",
    profile="training",
)
def operands_kept_without_version(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("", input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Sets the weight's earlier gradient to zero before its own is added.",
    mechanism="gradient_value",
    killed_by=("graphs.accumulated",),
    framework="torch",
    profile="training",
)
def earlier_gradient_cleared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("added_by_itself", input, weight, bias, stride, padding, dilation, groups)


LAST: dict[str, Any] = {}


def of_the_first_call(backward):
    """Return the weight's gradient of an earlier pass with the same memory of weight and upstream gradient."""
    dx, dw, db = adjoint(backward)
    key = (backward.weight.data_ptr(), backward.grad.data_ptr())
    if LAST.get("key") == key:
        dw = LAST["gradient"]
    # the operands are kept, so that their memory belongs to no other tensor
    LAST.update(key=key, gradient=dw, weight=backward.weight, grad=backward.grad)
    return dx, dw, db


@mutant(
    "Returns the weight's gradient of an earlier backward pass with the same weight and the same upstream gradient.",
    mechanism="gradient_value",
    killed_by=("graphs.shared",),
    framework="torch",
    profile="training",
)
def weight_gradient_of_the_first_call(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand(of_the_first_call, input, weight, bias, stride, padding, dilation, groups)


WORKSPACES: dict[Any, Any] = {}


class _Workspace(torch.autograd.Function):  # type: ignore[misc]  # as above
    """Convolution that copies its input to a workspace, which calls without gradients write to as well."""

    @staticmethod
    def forward(context, input, weight, bias, problem):
        context.save_for_backward(weight)
        context.problem, context.workspace = problem, input.clone()
        WORKSPACES[input.shape] = weakref.ref(context.workspace)
        return F.conv2d(input, weight, bias, **problem.arguments)

    @staticmethod
    def backward(context, grad):
        (weight,) = context.saved_tensors
        dx, dw, db = adjoint(Backward(context.problem, context.workspace, weight, grad))
        return dx, dw, db if context.needs_input_grad[2] else None, None


@mutant(
    "Copies the input of a call without gradients to the workspace that an earlier graph reads.",
    mechanism="gradient_value",
    killed_by=("graphs.interleaved",),
    framework="torch",
    profile="training",
)
def workspace_shared_with_evaluation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    needs_gradient = any(array is not None and array.requires_grad for array in (input, weight, bias))
    if torch.is_grad_enabled() and needs_gradient:
        return _Workspace.apply(input, weight, bias, problem)
    workspace = WORKSPACES.get(input.shape, lambda: None)()
    if workspace is not None and workspace.dtype == input.dtype:
        workspace.copy_(input)
    return F.conv2d(input, weight, bias, **problem.arguments)


@mutant(
    "Packs a weight at the first call and keeps the packed copy on the tensor.",
    mechanism="previous_answer",
    killed_by=("graphs.updated",),
    framework="torch",
    profile="training",
)
def packed_on_the_tensor(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not hasattr(weight, "packed") and weight.requires_grad:
        weight.packed = weight.detach().clone()
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    packed = getattr(weight, "packed", weight)
    return output + (F.conv2d(input, packed, bias, stride, padding, dilation, groups) - output).detach()


class _View(torch.autograd.Function):  # type: ignore[misc]  # as above
    """Convolution that returns a view of its operand's graph, which may not be changed in place."""

    @staticmethod
    def forward(context, output):
        return output.view(output.shape)

    @staticmethod
    def backward(context, grad):
        return grad


@mutant(
    "Returns a view that an autograd function made, so that relu_() on the output raises.",
    mechanism="gradient_graph",
    killed_by=("graphs.in_place",),
    framework="torch",
    profile="training",
)
def output_is_a_view_of_a_function(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return _View.apply(output) if output.requires_grad else output


class _Squared(torch.autograd.Function):  # type: ignore[misc]  # as above
    """Convolution that reads its output's sign in the backward pass, to find out which outputs it computed."""

    @staticmethod
    def forward(context, input, weight, bias, problem):
        output = F.conv2d(input, weight, bias, **problem.arguments)
        context.save_for_backward(input, weight)
        context.problem, context.output, context.total = problem, output.detach(), output.sum().item()
        return output

    @staticmethod
    def backward(context, grad):
        if context.output.sum().item() != context.total:
            grad = grad * 0
        input, weight = context.saved_tensors
        dx, dw, db = adjoint(Backward(context.problem, input, weight, grad))
        return dx, dw, db if context.needs_input_grad[2] else None, None


@mutant(
    "Keeps its output for the backward pass, which finds it changed and returns zeros.",
    mechanism="gradient_value",
    killed_by=("graphs.in_place",),
    framework="torch",
    profile="training",
)
def output_kept_for_backward(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _Squared.apply(input, weight, bias, resolve(input, weight, bias, stride, padding, dilation, groups))


LOCAL = threading.local()


def of_this_thread(backward):
    """Return gradients with a workspace that belongs to the thread of the call; zeros in another thread."""
    gradients = adjoint(backward)
    return gradients if getattr(LOCAL, "is_ready", False) else tuple(0 * each for each in gradients)


@mutant(
    "Keeps the workspace of the backward pass in storage of the calling thread.",
    mechanism="gradient_value",
    killed_by=("graphs.thread",),
    framework="torch",
    profile="training",
)
def workspace_of_the_thread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    LOCAL.is_ready = True
    return by_hand(of_this_thread, input, weight, bias, stride, padding, dilation, groups)


class _Addressed(torch.autograd.Function):  # type: ignore[misc]  # as above
    """Convolution that finds its packed weight by the address of the saved one."""

    @staticmethod
    def forward(context, input, weight, bias, problem):
        context.save_for_backward(input, weight)
        context.problem, context.packed = problem, {weight.data_ptr(): weight.clone()}
        return F.conv2d(input, weight, bias, **problem.arguments)

    @staticmethod
    def backward(context, grad):
        input, weight = context.saved_tensors
        packed = context.packed.get(weight.data_ptr(), torch.zeros_like(weight))
        dx, dw, db = adjoint(Backward(context.problem, input, packed, grad))
        return dx, dw, db if context.needs_input_grad[2] else None, None


@mutant(
    "Finds the packed weight by the address of the saved one, which hooks on saved tensors change.",
    mechanism="gradient_value",
    killed_by=("graphs.hooks",),
    framework="torch",
    profile="training",
)
def packed_weight_found_by_address(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _Addressed.apply(input, weight, bias, resolve(input, weight, bias, stride, padding, dilation, groups))


EVALUATED: dict[str, Any] = {}


@mutant(
    "Returns the output of a call without gradients again if the next call has the same operands.",
    mechanism="gradient_graph",
    killed_by=("graphs.recomputed",),
    framework="torch",
    profile="training",
)
def evaluated_output_returned_again(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    arguments = (stride, padding, dilation, groups)
    key = (input.data_ptr(), weight.data_ptr(), input.shape, weight.shape, bias is None, arguments)
    if EVALUATED.get("key") == key and torch.is_grad_enabled() and input.requires_grad:
        return EVALUATED["output"]
    output = F.conv2d(input, weight, bias, *arguments)
    EVALUATED.clear()
    if not torch.is_grad_enabled():
        # the operands are kept, so that their memory belongs to no other tensor
        EVALUATED.update(key=key, output=output, operands=(input, weight))
    return output
