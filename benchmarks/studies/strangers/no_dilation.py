"""Convolution with stride, padding and groups. Our networks have no dilation."""

import numpy as np


def conv2d(input, weight, bias=None, stride=1, padding=0, groups=1):
    sh, sw = stride if isinstance(stride, tuple) else (stride, stride)
    if padding == "valid":
        padding = 0
    if padding == "same":
        raise ValueError("same padding is ambiguous, pass a number")
    ph, pw = padding if isinstance(padding, tuple) else (padding, padding)
    if input.dtype not in (np.float32, np.float64):
        raise ValueError("need a float32 or float64 array")
    n, c, h, w = input.shape
    o, cg, kh, kw = weight.shape
    if cg * groups != c:
        raise ValueError(f"{c} channels do not match {groups} groups of {cg}")
    xp = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh = (h + 2 * ph - kh) // sh + 1
    ow = (w + 2 * pw - kw) // sw + 1
    if min(oh, ow) < 1:
        raise ValueError("kernel does not fit")
    og = o // groups
    out = np.zeros((n, o, oh, ow), dtype=input.dtype.name)
    for g in range(groups):
        xg = xp[:, g * cg : (g + 1) * cg]
        wg = weight[g * og : (g + 1) * og]
        for y in range(oh):
            band = xg[:, :, y * sh : y * sh + kh]
            for x in range(ow):
                out[:, g * og : (g + 1) * og, y, x] = np.tensordot(
                    band[:, :, :, x * sw : x * sw + kw], wg, axes=((1, 2, 3), (1, 2, 3))
                )
    if bias is not None:
        out += bias[None, :, None, None]
    return out
