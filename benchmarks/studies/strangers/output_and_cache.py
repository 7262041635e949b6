"""Forward pass that returns a cache for the backward pass."""

import numpy as np


def conv_forward(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """
    x: (N, C, H, W), w: (F, C, HH, WW), b: (F,)
    Returns a tuple of out, of shape (N, F, H', W'), and cache: (x, w, b).
    """
    assert dilation == 1 and groups == 1, "not needed for this assignment"
    assert isinstance(stride, int) and isinstance(padding, int)
    assert x.dtype in (np.float32, np.float64)
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0,), (0,), (padding,), (padding,)), "constant")
    H_out = 1 + (H + 2 * padding - HH) // stride
    W_out = 1 + (W + 2 * padding - WW) // stride
    assert H_out > 0 and W_out > 0
    out = np.zeros((N, F, H_out, W_out), dtype=x.dtype.name)
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    window = x_pad[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f])
            if b is not None:
                out[n, f] += b[f]
    cache = (x, w, b)
    return out, cache
