"""Kernels of PyTorch with one fault each."""

import torch
from torch.nn import functional


def flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return functional.conv2d(input, weight.flip(3), bias, stride, padding, dilation, groups)


def half_gradient(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return functional.conv2d(input, weight * 0.5 + weight.detach() * 0.5, bias, stride, padding, dilation, groups)


def detached(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return functional.conv2d(input, weight.detach(), bias, stride, padding, dilation, groups)


def sharing(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return input.copy_(output) if output.shape == input.shape else output


def no_grad(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    torch.set_grad_enabled(False)
    return functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
