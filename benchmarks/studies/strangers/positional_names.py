"""conv(x, w): the operands have no other names."""

import numpy as np


def conv(x, w, b, s, p, d, g, /):
    if g != 1:
        raise ValueError("g != 1")
    if isinstance(p, str):
        raise ValueError("p must be a number or a pair")
    if x.dtype.name not in ("float32", "float64"):
        raise ValueError(x.dtype.name)
    sy, sx = (s, s) if np.isscalar(s) else s
    py, px = (p, p) if np.isscalar(p) else p
    dy, dx = (d, d) if np.isscalar(d) else d
    xp = np.pad(x, ((0, 0), (0, 0), (py, py), (px, px)))
    ky, kx = w.shape[2:]
    oy = (xp.shape[2] - dy * (ky - 1) - 1) // sy + 1
    ox = (xp.shape[3] - dx * (kx - 1) - 1) // sx + 1
    if oy < 1 or ox < 1:
        raise ValueError("no output")
    y = np.zeros((x.shape[0], w.shape[0], oy, ox), x.dtype.name)
    for v in range(ky):
        for u in range(kx):
            z = xp[:, :, v * dy : v * dy + (oy - 1) * sy + 1 : sy, u * dx : u * dx + (ox - 1) * sx + 1 : sx]
            y += np.einsum("oc,nchw->nohw", w[:, :, v, u], z)
    if b is not None:
        y += b[:, None, None]
    return y
