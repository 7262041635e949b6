"""Winograd F(2x2, 3x3)."""

import numpy as np

BT = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], np.float64)
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float64)
AT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], np.float64)


def winograd(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2:] != (3, 3) or stride not in (1, (1, 1)) or dilation not in (1, (1, 1)) or groups != 1:
        raise NotImplementedError("3x3, stride 1, dense")
    if isinstance(padding, str) or input.dtype not in (np.float32, np.float64):
        raise NotImplementedError("numeric padding, float32 or float64")
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    n, c, h, w = input.shape
    oh, ow = h + 2 * ph - 2, w + 2 * pw - 2
    if oh < 1 or ow < 1 or 0 in input.shape or 0 in weight.shape:
        raise NotImplementedError("nothing to compute")
    if not np.isfinite(input).all() or not np.isfinite(weight).all():
        raise NotImplementedError("finite numbers only")
    th, tw = (oh + 1) // 2, (ow + 1) // 2
    x = np.zeros((n, c, 2 * th + 2, 2 * tw + 2))
    x[:, :, ph : ph + h, pw : pw + w] = input
    tiles = np.lib.stride_tricks.sliding_window_view(x, (4, 4), axis=(2, 3))[:, :, ::2, ::2]
    v = np.einsum("ij,nctujk,lk->nctuil", BT, tiles, BT, optimize=True)
    u = np.einsum("ij,ocjk,lk->ocil", G, weight.astype(np.float64), G, optimize=True)
    m = np.einsum("nctuil,ocil->notuil", v, u, optimize=True)
    y = np.einsum("ij,notujk,lk->notiul", AT, m, AT, optimize=True)
    y = y.reshape(n, len(weight), 2 * th, 2 * tw)[:, :, :oh, :ow]
    if bias is not None:
        y = y + bias[:, None, None]
    return np.ascontiguousarray(y.astype(input.dtype.name))
