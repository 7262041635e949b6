"""Correct builds with custom operators of torch."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import torch
from _parts import correct, resolve
from torch.nn import functional as F  # noqa: N812

LIBRARY = torch.library.Library("convgauge_correct", "DEF")
CONV = "Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] pads, SymInt[] dilation, SymInt groups"


def convolve(input, weight, bias, stride, pads, dilation, groups):
    """Return a contiguous convolution; ``pads`` are left, right, top and bottom."""
    return F.conv2d(F.pad(input, pads), weight.contiguous(), bias, stride, 0, dilation, groups).contiguous()


def fake(input, weight, bias, stride, pads, dilation, groups):
    return fake_of(input.shape[0], input, weight, stride, pads, dilation)


def fake_of(images, input, weight, stride, pads, dilation):
    """Return a contiguous fake output of a number of images."""
    left, right, top, bottom = pads
    height = (input.shape[2] + top + bottom - dilation[0] * (weight.shape[2] - 1) - 1) // stride[0] + 1
    width = (input.shape[3] + left + right - dilation[1] * (weight.shape[3] - 1) - 1) // stride[1] + 1
    return input.new_empty(images, weight.shape[0], height, width)


def called(function, input, weight, bias, *arguments):
    """Call an operator with the arguments of conv2d."""
    p = resolve(input, weight, bias, *arguments)
    if not input.numel() or not weight.numel():
        return F.conv2d(input, weight, bias, *arguments)
    ((top, bottom), (left, right)) = p.pads
    return function(input, weight, bias, p.stride, (left, right, top, bottom), p.dilation, p.groups)


def save(ctx, inputs, output):
    input, weight, bias, *ctx.sizes = inputs
    ctx.save_for_backward(input, weight)
    ctx.has_bias = bias is not None


def gradients(ctx, grad):
    input, weight = ctx.saved_tensors
    stride, pads, dilation, groups = ctx.sizes
    arguments = (stride, 0, dilation, groups)
    room = F.pad(input, pads)
    by_room = torch.nn.grad.conv2d_input(room.shape, weight, grad, *arguments)
    by_input = F.pad(by_room, [-size for size in pads])
    by_weight = torch.nn.grad.conv2d_weight(room, weight.shape, grad, *arguments)
    return by_input, by_weight, grad.sum((0, 2, 3)) if ctx.has_bias else None, None, None, None, None


def defined(name, fake=None):
    """Define an operator with gradients, and with a fake output if there is one; return it."""
    LIBRARY.define(f"{name}({CONV}) -> Tensor")
    LIBRARY.impl(name, convolve, "CPU")
    if fake is not None:
        torch.library.register_fake(f"convgauge_correct::{name}", fake, lib=LIBRARY)
    torch.library.register_autograd(f"convgauge_correct::{name}", gradients, setup_context=save, lib=LIBRARY)
    return getattr(torch.ops.convgauge_correct, name)


conv = defined("conv", fake)


@correct("Is a custom operator whose schema and fake output are right.", framework="torch", profile="torch")
def custom_operator(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return called(conv, input, weight, bias, stride, padding, dilation, groups)


unfaked = defined("unfaked")


@correct(
    "Is a custom operator without a fake output.",
    advised_by=("operators.registered", "operators.symbolic"),
    framework="torch",
    profile="torch",
)
def custom_operator_without_fake(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return called(unfaked, input, weight, bias, stride, padding, dilation, groups)


def fake_of_one_batch(input, weight, bias, stride, pads, dilation, groups):
    return fake_of(int(input.shape[0]), input, weight, stride, pads, dilation)


one_batch = defined("one_batch", fake_of_one_batch)


@correct(
    "Is a custom operator whose fake output holds for one batch, so that each further batch is traced again.",
    advised_by=("operators.compiled.dynamic", "operators.exported", "operators.symbolic"),
    framework="torch",
    profile="torch",
)
def custom_operator_of_one_batch(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return called(one_batch, input, weight, bias, stride, padding, dilation, groups)
