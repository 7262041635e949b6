"""A convolution with a backward pass of its own, in which mutants plant a fault."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from typing import Any, NamedTuple

import torch
from _base import resolve
from torch.nn import functional as F  # noqa: N812

from convgauge.problem import Problem

Tensor = Any  # torch is not type-checked here


class Backward(NamedTuple):
    """A backward pass: the problem, saved input and weight, the gradient of the output, and which are needed."""

    problem: Problem
    input: Tensor
    weight: Tensor
    grad: Tensor
    needed: tuple[bool, ...] = (True, True, True)


def adjoint(backward):
    """Return the gradients by input, weight and bias; those of 16 bits are summed in float32 and rounded once."""
    p, narrow = backward.problem, backward.input.dtype in (torch.float16, torch.bfloat16)
    (top, bottom), (left, right) = p.pads
    with torch.enable_grad():
        x, w, grad = (
            (tensor.detach().float() if narrow else tensor.detach())
            for tensor in (backward.input, backward.weight, backward.grad)
        )
        x, w = x.requires_grad_(), w.requires_grad_()
        y = F.conv2d(F.pad(x, (left, right, top, bottom)), w, None, p.stride, 0, p.dilation, p.groups)
        dx, dw = torch.autograd.grad(y, (x, w), grad.to(y.dtype))
    dtype = backward.input.dtype
    return dx.to(dtype), dw.to(dtype), grad.sum((0, 2, 3)).to(dtype)


class _Function(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    @staticmethod
    def forward(context, input, weight, bias, problem, compute):
        context.save_for_backward(input, weight)
        context.problem, context.compute = problem, compute
        return F.conv2d(input, weight, bias, **problem.arguments)

    @staticmethod
    def backward(context, grad):
        needed = context.needs_input_grad[:3]
        input, weight = context.saved_tensors
        computed = context.compute(Backward(context.problem, input, weight, grad, needed))
        return (*(each if due else None for each, due in zip(computed, needed, strict=True)), None, None)


class WithSetup(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """Convolution whose operands are saved in setup_context, as transforms of torch.func need it."""

    @staticmethod
    def forward(input, weight, bias, problem):
        return F.conv2d(input, weight, bias, **problem.arguments)

    @staticmethod
    def setup_context(context, inputs, output):
        input, weight, _, context.problem = inputs
        context.save_for_backward(input, weight)

    @staticmethod
    def backward(context, grad):
        input, weight = context.saved_tensors
        dx, dw, db = adjoint(Backward(context.problem, input, weight, grad))
        return dx, dw, db if context.needs_input_grad[2] else None, None


def by_hand(compute, input, weight, bias, *arguments):
    """Return the convolution, with gradients that ``compute`` returns."""
    return _Function.apply(input, weight, bias, resolve(input, weight, bias, *arguments), compute)


def changed(change, input, weight, bias, *arguments):
    """Return the convolution, with the right gradients as ``change`` changes them."""
    return by_hand(lambda backward: change(backward, adjoint(backward)), input, weight, bias, *arguments)
