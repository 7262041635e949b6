"""Convolution with a backward pass written by hand."""

import torch
import torch.nn.functional as F


class Conv2dFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b, stride, padding):
        ctx.save_for_backward(x, w)
        ctx.stride, ctx.padding, ctx.has_bias = stride, padding, b is not None
        cols = F.unfold(x, w.shape[2:], padding=padding, stride=stride)
        y = w.flatten(1) @ cols
        if b is not None:
            y = y + b[:, None]
        oh = (x.shape[2] + 2 * padding - w.shape[2]) // stride + 1
        ow = (x.shape[3] + 2 * padding - w.shape[3]) // stride + 1
        return y.view(x.shape[0], w.shape[0], oh, ow)

    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        g = grad.flatten(2)
        gx = gw = gb = None
        if ctx.needs_input_grad[0]:
            cols = w.flatten(1).t() @ g
            gx = F.fold(cols, x.shape[2:], w.shape[2:], padding=ctx.padding, stride=ctx.stride)
        if ctx.needs_input_grad[1]:
            cols = F.unfold(x, w.shape[2:], padding=ctx.padding, stride=ctx.stride)
            gw = (g @ cols.transpose(1, 2)).sum(0).view_as(w)
        if ctx.has_bias and ctx.needs_input_grad[2]:
            gb = grad.sum((0, 2, 3))
        return gx, gw, gb, None, None


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert dilation == 1 and groups == 1
    assert isinstance(stride, int) and isinstance(padding, int)
    assert input.dtype in (torch.float32, torch.float64) and input.numel() > 0 and weight.numel() > 0
    return Conv2dFunction.apply(input, weight, bias, stride, padding)
