"""Unfold-based convolution layer."""

import torch
from torch import nn
from torch.nn import functional as F


class UnfoldConv2d(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, bias=True):
        super().__init__()
        kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kh, kw))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.stride, self.padding, self.dilation = stride, padding, dilation
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, x):
        assert x.numel() > 0 and self.weight.numel() > 0, "empty tensors"
        cols = F.unfold(x, self.weight.shape[2:], self.dilation, self.padding, self.stride)
        out = self.weight.flatten(1) @ cols
        if self.bias is not None:
            out = out + self.bias[:, None]
        s = self.stride if isinstance(self.stride, tuple) else (self.stride,) * 2
        p = self.padding if isinstance(self.padding, tuple) else (self.padding,) * 2
        d = self.dilation if isinstance(self.dilation, tuple) else (self.dilation,) * 2
        h = (x.shape[2] + 2 * p[0] - d[0] * (self.weight.shape[2] - 1) - 1) // s[0] + 1
        w = (x.shape[3] + 2 * p[1] - d[1] * (self.weight.shape[3] - 1) - 1) // s[1] + 1
        return out.reshape(x.shape[0], -1, h, w)
