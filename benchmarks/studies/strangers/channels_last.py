"""Convolution in TensorFlow's order: NHWC images, HWIO filters."""

import numpy as np


def conv2d_nhwc(x, filters, strides=1, padding="SAME"):
    n, h, w, c = x.shape
    kh, kw, ci, co = filters.shape
    if c != ci:
        raise ValueError("channels")
    if isinstance(strides, int):
        strides = (strides, strides)
    if padding == "SAME":
        oh, ow = -(-h // strides[0]), -(-w // strides[1])
        ph = max((oh - 1) * strides[0] + kh - h, 0)
        pw = max((ow - 1) * strides[1] + kw - w, 0)
        x = np.pad(x, ((0, 0), (ph // 2, ph - ph // 2), (pw // 2, pw - pw // 2), (0, 0)))
    elif padding == "VALID":
        oh, ow = (h - kh) // strides[0] + 1, (w - kw) // strides[1] + 1
        if oh < 1 or ow < 1:
            raise ValueError("filter larger than image")
    else:
        raise ValueError("padding must be SAME or VALID")
    out = np.zeros((n, oh, ow, co), x.dtype.name)
    for i in range(kh):
        for j in range(kw):
            window = x[
                :, i : i + (oh - 1) * strides[0] + 1 : strides[0], j : j + (ow - 1) * strides[1] + 1 : strides[1]
            ]
            out += np.matmul(window, filters[i, j])
    return out
