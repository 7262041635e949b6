"""Square strides and paddings only, so plain ints everywhere."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not (type(stride) is int and type(padding) is int):
        raise TypeError("stride and padding must be int")
    if dilation != 1 or groups != 1:
        raise ValueError("no dilation, no groups")
    if input.dtype not in (np.dtype("f4"), np.dtype("f8")):
        raise TypeError("float32 or float64")
    x = np.pad(input, [(0, 0)] * 2 + [(padding, padding)] * 2)
    v = sliding_window_view(x, weight.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    y = np.tensordot(v, weight, axes=[(1, 4, 5), (1, 2, 3)]).transpose(0, 3, 1, 2)
    if bias is not None:
        y = y + bias.reshape(-1, 1, 1)
    return np.ascontiguousarray(y)
