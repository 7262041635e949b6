"""Depthwise convolution, MobileNet style."""

import numpy as np


def depthwise_conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    n, channels, height, width = x.shape
    if groups != channels or weight.shape[0] != channels or weight.shape[1] != 1:
        raise ValueError(f"depthwise convolution needs groups == in_channels == out_channels, got groups={groups}")
    if x.dtype.kind != "f" or x.dtype.itemsize < 4:
        raise ValueError("single or double precision")
    if isinstance(padding, str):
        raise ValueError("numeric padding")
    if isinstance(stride, int):
        stride = (stride, stride)
    if isinstance(padding, int):
        padding = (padding, padding)
    if isinstance(dilation, int):
        dilation = (dilation, dilation)
    kh, kw = weight.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    oh = (height + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (width + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    if oh < 1 or ow < 1:
        raise ValueError("output would be empty")
    out = np.zeros((n, channels, oh, ow), x.dtype.name)
    for i in range(kh):
        for j in range(kw):
            y0 = i * dilation[0]
            x0 = j * dilation[1]
            tap = x[
                :, :, y0 : y0 + (oh - 1) * stride[0] + 1 : stride[0], x0 : x0 + (ow - 1) * stride[1] + 1 : stride[1]
            ]
            out += tap * weight[:, 0, i, j][None, :, None, None]
    if bias is not None:
        out += bias[None, :, None, None]
    return out
