"""Faults in gradients, which need the training profile."""

import torch
from _parts import fault, resolve
from torch.nn import functional as F  # noqa: N812


@fault("The answer is cut from the graph: no gradient reaches the operands.", caught_by=["training"],
       framework="torch", profile="training")  # fmt: skip
def detached(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups).detach()


@fault("No gradient reaches the bias.", caught_by=["training"], framework="torch", profile="training")
def bias_detached(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    bias = None if bias is None else bias.detach()
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


class _Gradient(torch.autograd.Function):
    """A convolution whose backward pass is written by hand, with faults to choose from."""

    @staticmethod
    def forward(context, input, weight, bias, problem, faults):
        context.save_for_backward(input, weight)
        context.problem, context.faults = problem, faults
        return F.conv2d(input, weight, bias, **problem.arguments)

    @staticmethod
    def backward(context, grad):
        input, weight = context.saved_tensors
        p, faults = context.problem, context.faults
        (top, bottom), (left, right) = p.pads
        with torch.enable_grad():
            x, w = input.detach().requires_grad_(), weight.detach().requires_grad_()
            kernel = w.flip(2, 3) if faults == "unflipped" and p.kernel != (3, 3) else w
            y = F.conv2d(F.pad(x, (left, right, top, bottom)), kernel, None, p.stride, 0, p.dilation, p.groups)
            dx, dw = torch.autograd.grad(y, (x, w), grad)
        if faults == "batch_mean" and p.batch > 1:
            dw = dw / p.batch
        if faults == "remainder" and (p.height + top + bottom - p.extent[0]) % p.stride[0]:
            dx = dx.roll(1, 2)
        if faults == "dilated" and p.dilation != (1, 1):
            dw = dw.flip(3)
        if faults == "grouped" and p.groups > 1:
            dx = dx.roll(p.in_channels // p.groups, 1)
        if faults == "uneven" and left != right:
            dx = dx.roll(1, 3)
        if faults == "narrowed":
            dx, dw = dx.float().to(dx.dtype), dw.float().to(dw.dtype)
        return dx, dw, grad.sum((0, 2, 3)) if context.needs_input_grad[2] else None, None, None


def by_hand(faults, input, weight, bias, *arguments):
    """The convolution with one of the faults of `_Gradient`."""
    problem = resolve(input, weight, bias, *arguments)
    return _Gradient.apply(input, weight, bias, problem, faults)


@fault("The gradient by the weight is a mean over the batch, not a sum.", caught_by=["training"],
       framework="torch", profile="training")  # fmt: skip
def weight_gradient_averaged(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand("batch_mean", input, weight, bias, stride, padding, dilation, groups)


@fault("The gradient by the input turns the kernel the wrong way unless it is 3x3.", caught_by=["training"],
       framework="torch", profile="training")  # fmt: skip
def input_gradient_unflipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand("unflipped", input, weight, bias, stride, padding, dilation, groups)


@fault("The gradient by the input is shifted where the stride leaves a remainder.", caught_by=["training"],
       framework="torch", profile="training")  # fmt: skip
def strided_gradient_shifted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand("remainder", input, weight, bias, stride, padding, dilation, groups)


@fault("The gradient by a dilated weight is mirrored.", caught_by=["training"], framework="torch", profile="training")
def dilated_gradient_mirrored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand("dilated", input, weight, bias, stride, padding, dilation, groups)


@fault("The gradient by the input of a grouped convolution goes to the next group.", caught_by=["training"],
       framework="torch", profile="training")  # fmt: skip
def grouped_gradient_rolled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand("grouped", input, weight, bias, stride, padding, dilation, groups)


@fault("The gradient by the input is shifted where padding 'same' is unequal on the two sides.",
       caught_by=["training.gradient"], framework="torch", profile="training", tier="standard")  # fmt: skip
def uneven_gradient_rolled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand("uneven", input, weight, bias, stride, padding, dilation, groups)


@fault("Gradients in float64 are rounded to float32.", caught_by=["training.accuracy"], framework="torch",
       profile="training", tier="standard")  # fmt: skip
def gradient_narrowed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand("narrowed", input, weight, bias, stride, padding, dilation, groups)


@fault("The gradient cannot be differentiated again.", caught_by=["training"], framework="torch", profile="training")
def no_double_backward(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand("none", input, weight, bias, stride, padding, dilation, groups)


@fault("The output asks for a gradient though no operand does.", caught_by=["training"], framework="torch",
       profile="training")  # fmt: skip
def gradient_where_none_is_asked(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return output if output.requires_grad or not output.is_floating_point() else output.requires_grad_()


@fault("Where no operand asks for a gradient, the output is a tensor that no graph may save.",
       caught_by=["training.used_later"], framework="torch", profile="training")  # fmt: skip
def inference_output(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if any(one is not None and one.requires_grad for one in (input, weight, bias)):
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    with torch.inference_mode():
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
