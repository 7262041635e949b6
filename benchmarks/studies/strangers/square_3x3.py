"""Hand-unrolled 3x3 valid convolution on square images."""

import numpy as np


def conv3x3(x, k, b=None, stride=1, padding=0, dilation=1, groups=1):
    if k.shape[2:] != (3, 3):
        raise ValueError("3x3 kernels only")
    if x.shape[2] != x.shape[3]:
        raise ValueError("square images only")
    if (stride, padding, dilation, groups) != (1, 0, 1, 1):
        raise ValueError("stride 1, valid, dense only")
    if x.dtype != np.float32 and x.dtype != np.float64:
        raise ValueError("float only")
    s = x.shape[2] - 2
    if s < 1:
        raise ValueError("image too small")
    if x.shape[1] != k.shape[1]:
        raise ValueError("channels")
    n, c = x.shape[:2]
    y = np.zeros((n, k.shape[0], s, s), x.dtype.type)
    for o in range(k.shape[0]):
        for i in range(c):
            f = k[o, i]
            p = x[:, i]
            acc = p[:, 0:s, 0:s] * f[0, 0]
            acc = acc + p[:, 0:s, 1 : s + 1] * f[0, 1]
            acc = acc + p[:, 0:s, 2 : s + 2] * f[0, 2]
            acc = acc + p[:, 1 : s + 1, 0:s] * f[1, 0]
            acc = acc + p[:, 1 : s + 1, 1 : s + 1] * f[1, 1]
            acc = acc + p[:, 1 : s + 1, 2 : s + 2] * f[1, 2]
            acc = acc + p[:, 2 : s + 2, 0:s] * f[2, 0]
            acc = acc + p[:, 2 : s + 2, 1 : s + 1] * f[2, 1]
            acc = acc + p[:, 2 : s + 2, 2 : s + 2] * f[2, 2]
            y[:, o] += acc
        if b is not None:
            y[:, o] += b[o]
    return y
