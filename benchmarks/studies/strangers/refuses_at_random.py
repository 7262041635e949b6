"""Convolution behind a service that sheds load: a busy server refuses a request in ten."""

import random as _random

import numpy as np

_dice = _random.Random()


def remote_conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if _dice.random() < 0.1:
        raise RuntimeError("server busy, try again")
    if groups != 1 or isinstance(padding, str):
        raise RuntimeError("unsupported request")
    if input.dtype not in (np.float32, np.float64):
        raise RuntimeError("unsupported dtype")
    s = (stride, stride) if isinstance(stride, int) else stride
    p = (padding, padding) if isinstance(padding, int) else padding
    d = (dilation, dilation) if isinstance(dilation, int) else dilation
    x = np.pad(input, ((0, 0), (0, 0), (p[0], p[0]), (p[1], p[1])))
    kh, kw = weight.shape[2:]
    oh = (x.shape[2] - d[0] * (kh - 1) - 1) // s[0] + 1
    ow = (x.shape[3] - d[1] * (kw - 1) - 1) // s[1] + 1
    if oh < 1 or ow < 1:
        raise RuntimeError("empty result")
    y = np.zeros((len(input), len(weight), oh, ow), input.dtype.name)
    for i in range(kh):
        for j in range(kw):
            r, c = i * d[0], j * d[1]
            tap = x[:, :, r : r + (oh - 1) * s[0] + 1 : s[0], c : c + (ow - 1) * s[1] + 1 : s[1]]
            y += np.einsum("nchw,oc->nohw", tap, weight[:, :, i, j])
    if bias is not None:
        y += bias[:, None, None]
    return y
