"""Bias-free convolution: batch norm follows, which has its own shift."""

import numpy as np


def conv_nobias(input, weight, stride=1, padding=0, dilation=1, groups=1):
    assert not isinstance(padding, str)
    assert input.dtype in (np.float32, np.float64) and weight.dtype == input.dtype
    s = np.broadcast_to(stride, 2)
    p = np.broadcast_to(padding, 2)
    d = np.broadcast_to(dilation, 2)
    n, c, h, w = input.shape
    o, cg, kh, kw = weight.shape
    assert c == cg * groups and o % groups == 0
    x = np.pad(input, ((0, 0), (0, 0), (p[0], p[0]), (p[1], p[1])))
    oh = (h + 2 * p[0] - d[0] * (kh - 1) - 1) // s[0] + 1
    ow = (w + 2 * p[1] - d[1] * (kw - 1) - 1) // s[1] + 1
    assert oh > 0 and ow > 0
    x = x.reshape(n, groups, cg, *x.shape[2:])
    f = weight.reshape(groups, o // groups, cg, kh, kw)
    out = np.zeros((n, groups, o // groups, oh, ow), input.dtype.name)
    for i in range(kh):
        for j in range(kw):
            a, b = i * d[0], j * d[1]
            tap = x[:, :, :, a : a + (oh - 1) * s[0] + 1 : s[0], b : b + (ow - 1) * s[1] + 1 : s[1]]
            out += np.einsum("ngchw,goc->ngohw", tap, f[:, :, :, i, j])
    return out.reshape(n, o, oh, ow)
