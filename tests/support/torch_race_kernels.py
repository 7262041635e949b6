"""Convolutions of torch to race in tests, and one for each fault of a backward pass that the race must notice."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import torch
from torch.nn import grad
from torch.nn.functional import conv2d


def plain(*args, **kwargs):
    """Compute the convolution."""
    return conv2d(*args, **kwargs)


def without_gradient(input, weight, bias=None, **kwargs):
    """Compute the convolution, detached from the graph."""
    with torch.no_grad():
        return conv2d(input, weight, bias, **kwargs)


class _Faulty(torch.autograd.Function):  # type: ignore[misc]  # torch has no types here
    """Convolution whose gradient by the weight leaves the last image out, or that keeps its first gradient."""

    @staticmethod
    def forward(ctx, input, weight, stride, padding, dilation, groups, fault):
        ctx.save_for_backward(input, weight)
        ctx.arguments, ctx.fault, ctx.first = (stride, padding, dilation, groups), fault, None
        return conv2d(input, weight, None, stride, padding, dilation, groups)

    @staticmethod
    def backward(ctx, grad_output):
        input, weight = ctx.saved_tensors
        if ctx.fault == "keeps" and ctx.first is not None:
            return ctx.first
        by_input = grad.conv2d_input(input.shape, weight, grad_output, *ctx.arguments)
        images = len(input) - 1 if ctx.fault == "forgets" else len(input)
        by_weight = grad.conv2d_weight(input[:images], weight.shape, grad_output[:images], *ctx.arguments)
        ctx.first = by_input, by_weight, None, None, None, None, None
        return ctx.first


def forgets_an_image(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Sum the gradient by the weight over all images but one."""
    return _Faulty.apply(input, weight, stride, padding, dilation, groups, "forgets")


def keeps_gradients(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Return the first gradients of a graph again in later passes."""
    return _Faulty.apply(input, weight, stride, padding, dilation, groups, "keeps")


def own_backward(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compute both gradients rightly in a backward pass of its own."""
    return _Faulty.apply(input, weight, stride, padding, dilation, groups, "")
