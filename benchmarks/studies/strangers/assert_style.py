"""Convolution layer of a CNN written from scratch."""

import numpy as np


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    assert groups == 1, "grouped convolution is not supported"
    assert isinstance(stride, int) and isinstance(padding, int) and isinstance(dilation, int)
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="constant")
    OH = (H + 2 * padding - dilation * (KH - 1) - 1) // stride + 1
    OW = (W + 2 * padding - dilation * (KW - 1) - 1) // stride + 1
    assert OH > 0 and OW > 0, "kernel larger than image"
    out = np.zeros((N, F, OH, OW), dtype=w.dtype)
    for i in range(KH):
        for j in range(KW):
            top, left = i * dilation, j * dilation
            patch = x[:, :, top : top + stride * OH : stride, left : left + stride * OW : stride]
            patch = patch[:, :, :OH, :OW]
            out += np.einsum("nchw,fc->nfhw", patch, w[:, :, i, j])
    if b is not None:
        out += b.reshape(1, F, 1, 1)
    return out
