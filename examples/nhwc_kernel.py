"""A kernel with channels last, and the adapter that ``convgauge adapt`` prints for it.

    convgauge adapt examples/nhwc_kernel.py:conv_nhwc --framework numpy
    convgauge check examples/nhwc_kernel.py:conv2d --framework numpy --tier quick

The kernel takes images (N, H, W, C) and filters (KH, KW, C, O). The adapter transposes operands and output, and refuses
what the kernel does not take.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def conv_nhwc(images, filters, bias=None, strides=(1, 1), padding=((0, 0), (0, 0))):
    """Convolve by windows; the padding is ((top, bottom), (left, right))."""
    padded = np.pad(images, ((0, 0), *padding, (0, 0)))
    windows = sliding_window_view(padded, filters.shape[:2], axis=(1, 2))[:, :: strides[0], :: strides[1]]
    output = np.einsum("nyxcij,ijco->nyxo", windows, filters)
    return output if bias is None else output + bias


def pair(size):
    """Return a size as (rows, columns)."""
    rows, columns = (size, size) if isinstance(size, int) else size
    return rows, columns


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Call conv_nhwc as torch.nn.functional.conv2d is called."""
    if isinstance(padding, str) or pair(dilation) != (1, 1) or groups != 1:
        raise NotImplementedError("not supported: padding by name, dilation, groups")
    rows, columns = pair(padding)
    x = input.transpose(0, 2, 3, 1)
    w = weight.transpose(2, 3, 1, 0)
    output = conv_nhwc(x, w, bias, strides=pair(stride), padding=((rows, rows), (columns, columns)))
    return output.transpose(0, 3, 1, 2)
