"""Kernels of PyTorch with one fault each."""

from typing import Any

import torch
from torch.nn import functional

Array = Any  # of any framework
Value = Any  # an argument as a caller spells it


def flipped(
    input: Array,
    weight: Array,
    bias: Array = None,
    stride: Value = 1,
    padding: Value = 0,
    dilation: Value = 1,
    groups: int = 1,
) -> Array:
    return functional.conv2d(input, weight.flip(3), bias, stride, padding, dilation, groups)


def half_gradient(
    input: Array,
    weight: Array,
    bias: Array = None,
    stride: Value = 1,
    padding: Value = 0,
    dilation: Value = 1,
    groups: int = 1,
) -> Array:
    return functional.conv2d(input, weight * 0.5 + weight.detach() * 0.5, bias, stride, padding, dilation, groups)


def detached(
    input: Array,
    weight: Array,
    bias: Array = None,
    stride: Value = 1,
    padding: Value = 0,
    dilation: Value = 1,
    groups: int = 1,
) -> Array:
    return functional.conv2d(input, weight.detach(), bias, stride, padding, dilation, groups)


def sharing(
    input: Array,
    weight: Array,
    bias: Array = None,
    stride: Value = 1,
    padding: Value = 0,
    dilation: Value = 1,
    groups: int = 1,
) -> Array:
    output = functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return input.copy_(output) if output.shape == input.shape else output


def no_grad(
    input: Array,
    weight: Array,
    bias: Array = None,
    stride: Value = 1,
    padding: Value = 0,
    dilation: Value = 1,
    groups: int = 1,
) -> Array:
    torch.set_grad_enabled(False)
    return functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
