"""conv2d of torch with the bfloat16 defects of several processors, for tests that must hold on each of them."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import torch
from torch.nn import functional

SMALLEST_NORMAL = 2.0**-126  # of bfloat16, as of float32


def _flushed(tensor):
    """Return the tensor with its bfloat16 subnormals replaced by zero."""
    if tensor is None or tensor.dtype != torch.bfloat16:
        return tensor
    is_subnormal = (tensor.abs() < SMALLEST_NORMAL) & (tensor != 0)  # zeros stay in the graph
    return torch.where(is_subnormal, torch.zeros_like(tensor), tensor)


def flushes_subnormals(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compute as AVX512_BF16 does (AMD's Zen 4 and 5): VDPBF16PS flushes subnormal operands and results to zero."""
    output = functional.conv2d(_flushed(input), _flushed(weight), bias, stride, padding, dilation, groups)
    return _flushed(output)


def exact(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compute as a processor without bfloat16 instructions does: add in float32 and round once."""
    operands = (input, weight, bias)
    if {operand.dtype for operand in operands if operand is not None} != {torch.bfloat16}:
        return functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
    wide = (None if operand is None else operand.float() for operand in operands)
    return functional.conv2d(*wide, stride, padding, dilation, groups).bfloat16()


def wrong_kernels(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compute as AMX does (Intel's Sapphire Rapids and later): outputs of one column and wide filters are wrong."""
    output = exact(input, weight, bias, stride, padding, dilation, groups)
    if output.dtype == torch.bfloat16 and (output.shape[-1] == 1 or weight.shape[-1] >= 12):
        return output + 3
    return output
