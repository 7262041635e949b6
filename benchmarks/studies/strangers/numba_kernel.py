"""Loops compiled by Numba; the checks are compiled too."""

import numpy as np
from numba import njit


@njit(cache=False)
def _conv(x, w, b, stride, pad):
    n, c, h, wd = x.shape
    o, ci, kh, kw = w.shape
    if c != ci:
        raise ValueError("grouped convolution is not supported")
    oh = (h + 2 * pad - kh) // stride + 1
    ow = (wd + 2 * pad - kw) // stride + 1
    if oh < 1 or ow < 1:
        raise ValueError("kernel does not fit")
    y = np.empty((n, o, oh, ow), x.dtype)
    for a in range(n):
        for k in range(o):
            for i in range(oh):
                for j in range(ow):
                    s = b[k]
                    for q in range(c):
                        for u in range(kh):
                            r = i * stride + u - pad
                            if r < 0 or r >= h:
                                continue
                            for v in range(kw):
                                t = j * stride + v - pad
                                if t < 0 or t >= wd:
                                    continue
                                s += x[a, q, r, t] * w[k, q, u, v]
                    y[a, k, i, j] = s
    return y


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if dilation != 1 or groups != 1:
        raise ValueError("no dilation and no groups")
    if not isinstance(stride, int) or not isinstance(padding, int):
        raise ValueError("square strides and paddings only")
    if input.dtype != np.float32 and input.dtype != np.float64:
        raise ValueError("float32 or float64")
    if bias is None:
        bias = np.zeros(len(weight), input.dtype)
    x, w, b = (np.ascontiguousarray(a, input.dtype) for a in (input, weight, bias))
    return _conv(x, w, b, stride, padding)
