"""Convolutions of torch in odd forms: modules and autograd functions; `odd_forms` has those of NumPy."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls, disallow-subclassing-any=False

import os

import torch
from torch.nn import functional


def conv(x, w, b, stride, padding, dilation=1, groups=1):
    """Compute the convolution; with ODD_FORMS_TURNED the kernel is turned."""
    if "ODD_FORMS_TURNED" in os.environ:
        w = w.flip(2, 3)
    return functional.conv2d(x, w, b, stride, padding, dilation, groups)


class Module(torch.nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True):
        super().__init__()
        self.stride, self.padding = stride, padding
        self.weight = torch.nn.Parameter(torch.randn(out_channels, in_channels, *kernel_size))
        self.bias = torch.nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(self, x):
        return conv(x, self.weight, self.bias, self.stride, self.padding)


class Nested(torch.nn.Module):
    def __init__(self, c_in, c_out, k, stride=1, padding=0, dilation=1, groups=1):
        super().__init__()
        self.inner = torch.nn.Conv2d(c_in, c_out, k, stride, padding, dilation, groups)

    def forward(self, x):
        inner = self.inner
        return conv(x, inner.weight, inner.bias, inner.stride, inner.padding, inner.dilation, inner.groups)


class Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, weight, bias, stride, padding):
        ctx.save_for_backward(input, weight)
        ctx.sizes, ctx.has_bias = (stride, padding), bias is not None
        return conv(input, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx, grad):
        input, weight = ctx.saved_tensors
        by_input = torch.nn.grad.conv2d_input(input.shape, weight, grad, *ctx.sizes)
        by_weight = torch.nn.grad.conv2d_weight(input, weight.shape, grad, *ctx.sizes)
        return by_input, by_weight, grad.sum((0, 2, 3)) if ctx.has_bias else None, None, None


def channels_last(x, w, b=None, stride=1, padding=0):
    return conv(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), b, stride, padding).permute(0, 2, 3, 1)
