"""Strided-view convolution for native, C-ordered arrays."""

import numpy as np


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    for a in (input, weight):
        if not a.dtype.isnative:
            raise TypeError("arrays must be in native byte order")
        if not a.flags.c_contiguous:
            raise TypeError("arrays must be C-contiguous")
        if a.dtype not in (np.float32, np.float64):
            raise TypeError(f"unsupported dtype {a.dtype}")
    if input.dtype != weight.dtype:
        raise TypeError("operands must have the same dtype")
    if isinstance(padding, str):
        raise ValueError("padding must be numeric")
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    dh, dw = (dilation, dilation) if isinstance(dilation, int) else dilation
    n, c, h, w = input.shape
    o, cg, kh, kw = weight.shape
    if groups < 1 or cg * groups != c or o % groups:
        raise ValueError("groups do not match channels")
    oh, ow = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    if oh < 1 or ow < 1:
        raise ValueError("output is empty")
    x = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    windows = np.lib.stride_tricks.as_strided(
        x,
        (n, groups, cg, oh, ow, kh, kw),
        (
            x.strides[0],
            cg * x.strides[1],
            x.strides[1],
            sh * x.strides[2],
            sw * x.strides[3],
            dh * x.strides[2],
            dw * x.strides[3],
        ),
    )
    y = np.einsum("ngcyxuv,gocuv->ngoyx", windows, weight.reshape(groups, o // groups, cg, kh, kw), optimize=True)
    y = y.reshape(n, o, oh, ow)
    return np.ascontiguousarray(y if bias is None else y + bias.reshape(1, -1, 1, 1))
