"""Same-resolution convolution whose gradient is not differentiable again."""

import torch
from torch.autograd.function import once_differentiable


class _Conv(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b, s, p, d, g):
        ctx.save_for_backward(x, w)
        ctx.args = s, p, d, g
        ctx.bias_shape = None if b is None else list(b.shape)
        return torch.nn.functional.conv2d(x, w, b, s, p, d, g)

    @staticmethod
    @once_differentiable
    def backward(ctx, gy):
        x, w = ctx.saved_tensors
        s, p, d, g = ctx.args
        gx = torch.nn.grad.conv2d_input(x.shape, w, gy, s, p, d, g)
        gw = torch.nn.grad.conv2d_weight(x, w.shape, gy, s, p, d, g)
        gb = None if ctx.bias_shape is None else gy.sum((0, 2, 3))
        return gx, gw, gb, None, None, None, None


def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, str):
        raise ValueError("string padding is not supported")
    if not input.is_floating_point():
        raise ValueError("floating point only")
    if input.numel() == 0 or weight.numel() == 0:
        raise ValueError("empty tensors are not supported")
    pair = torch.nn.modules.utils._pair
    return _Conv.apply(input, weight, bias, pair(stride), pair(padding), pair(dilation), groups)
