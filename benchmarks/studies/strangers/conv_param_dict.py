"""conv_forward(x, w, b, conv_param), as in CS231n."""

import numpy as np


def conv_forward_naive(x, w, b, conv_param):
    """
    conv_param: a dictionary with 'stride' and 'pad'.
    Returns out and the cache (x, w, b, conv_param).
    """
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, C2, HH, WW = w.shape
    assert C == C2
    assert x.dtype in (np.float32, np.float64)
    Hp = 1 + (H + 2 * pad - HH) // stride
    Wp = 1 + (W + 2 * pad - WW) // stride
    assert Hp > 0 and Wp > 0
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((N, F, Hp, Wp), x.dtype.name)
    for i in range(Hp):
        for j in range(Wp):
            win = xp[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            out[:, :, i, j] = win.reshape(N, C * HH * WW) @ w.reshape(F, C * HH * WW).T
    out += b.reshape(1, F, 1, 1)
    return out, (x, w, b, conv_param)
