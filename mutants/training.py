"""Mutants whose gradients are wrong; they need the training profile."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from functools import partial

import torch
from _backward import by_hand
from _base import mutant
from torch.nn import functional as F  # noqa: N812


@mutant(
    "Returns an output without a graph, so that no gradient reaches the operands.",
    mechanism="gradient_graph",
    killed_by=("training.gradient", "training.random"),
    framework="torch",
    profile="training",
)
def detached(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups).detach()


@mutant(
    "Passes no gradient to the bias.",
    mechanism="gradient_graph",
    killed_by=("training.empty", "training.gradient"),
    framework="torch",
    profile="training",
)
def bias_detached(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    bias = None if bias is None else bias.detach()
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


def faulty_gradients(fault, backward):
    """Return the gradients of a backward pass with a fault."""
    p, weight, grad = backward.problem, backward.weight, backward.grad
    (top, bottom), (left, right) = p.pads
    with torch.enable_grad():
        x, w = backward.input.detach().requires_grad_(), weight.detach().requires_grad_()
        kernel = w.flip(2, 3) if fault == "unflipped" and p.kernel != (3, 3) else w
        y = F.conv2d(F.pad(x, (left, right, top, bottom)), kernel, None, p.stride, 0, p.dilation, p.groups)
        dx, dw = torch.autograd.grad(y, (x, w), grad)
    if fault == "batch_mean" and p.batch > 1:
        dw = dw / p.batch
    if fault == "remainder" and (p.height + top + bottom - p.extent[0]) % p.stride[0]:
        dx = dx.roll(1, 2)
    if fault == "dilated" and p.dilation != (1, 1):
        dw = dw.flip(3)
    if fault == "grouped" and p.groups > 1:
        dx = dx.roll(p.in_channels // p.groups, 1)
    if fault == "uneven" and left != right:
        dx = dx.roll(1, 3)
    if fault == "narrowed":
        dx, dw = dx.float().to(dx.dtype), dw.float().to(dw.dtype)
    return dx, dw, grad.sum((0, 2, 3))


def with_fault(fault, input, weight, bias, *arguments):
    """Return the convolution with a fault of `faulty_gradients`."""
    return by_hand(partial(faulty_gradients, fault), input, weight, bias, *arguments)


class _SecondDoubled(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """Convolution whose gradient by the input has twice its derivative by the weight."""

    @staticmethod
    def forward(context, input, weight, bias, arguments):
        context.save_for_backward(input, weight)
        context.arguments = arguments
        return F.conv2d(input, weight, bias, *arguments)

    @staticmethod
    def backward(context, grad):
        input, weight = context.saved_tensors
        with torch.enable_grad():
            x, w = (input.view_as(input), weight.view_as(weight))
            if not (x.requires_grad and w.requires_grad):
                x, w = input.detach().requires_grad_(), weight.detach().requires_grad_()
            y = F.conv2d(x, 2 * w - w.detach(), None, *context.arguments)
            dx, dw = torch.autograd.grad(y, (x, w), grad, create_graph=torch.is_grad_enabled())
        by_bias = grad.sum((0, 2, 3)) if context.needs_input_grad[2] else None
        return dx, dw / 2, by_bias, None


@mutant(
    "Doubles the derivative by the weight of the gradient by the input.",
    mechanism="gradient_value",
    killed_by=("training.second.exact",),
    advised_by=("training.second",),
    framework="torch",
    profile="training",
)
def second_derivative_doubled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _SecondDoubled.apply(input, weight, bias, (stride, padding, dilation, groups))


@mutant(
    "Returns an output that requires a gradient although no operand does.",
    mechanism="gradient_graph",
    killed_by=("training.no_gradient",),
    framework="torch",
    profile="training",
)
def gradient_where_none_is_asked(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return output if output.requires_grad or not output.is_floating_point() else output.requires_grad_()


@mutant(
    "Returns an inference tensor if no operand requires a gradient.",
    mechanism="gradient_graph",
    killed_by=("training.used_later",),
    framework="torch",
    profile="training",
)
def inference_output(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if any(array is not None and array.requires_grad for array in (input, weight, bias)):
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    with torch.inference_mode():
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Averages the gradient of the weight over the batch instead of adding it.",
    mechanism="gradient_value",
    killed_by=("training.gradient", "training.layouts"),
    framework="torch",
    profile="training",
)
def weight_gradient_averaged(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("batch_mean", input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Flips the kernel in the gradient of the input unless it is 3x3.",
    mechanism="gradient_value",
    killed_by=("training.complex", "training.gradient"),
    framework="torch",
    profile="training",
)
def input_gradient_unflipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("unflipped", input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Shifts the gradient of the input by one row if the stride leaves a remainder.",
    mechanism="gradient_value",
    killed_by=("training.gradient", "training.gradient.one"),
    framework="torch",
    profile="training",
)
def strided_gradient_shifted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("remainder", input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Mirrors the gradient of a dilated weight.",
    mechanism="gradient_value",
    killed_by=("training.gradient", "training.memory", "training.upstream"),
    framework="torch",
    profile="training",
)
def dilated_gradient_mirrored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("dilated", input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Passes the gradient of the input to the next group.",
    mechanism="gradient_value",
    killed_by=("training.gradient", "training.unchanged"),
    framework="torch",
    profile="training",
)
def grouped_gradient_rolled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("grouped", input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Shifts the gradient of the input by one column if the padding differs by side.",
    mechanism="gradient_value",
    killed_by=("training.gradient",),
    framework="torch",
    profile="training",
    tier="standard",
)
def uneven_gradient_rolled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("uneven", input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Rounds float64 gradients to float32.",
    mechanism="gradient_value",
    killed_by=("training.accuracy",),
    framework="torch",
    profile="training",
    tier="standard",
)
def gradient_narrowed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return with_fault("narrowed", input, weight, bias, stride, padding, dilation, groups)
