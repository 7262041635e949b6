"""Convolution that computes output pixels in 2x2 quads."""

import numpy as np


def quad_conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if stride != 1 or dilation != 1 or groups != 1:
        raise NotImplementedError
    if isinstance(padding, str):
        raise NotImplementedError
    if input.dtype not in (np.float32, np.float64):
        raise NotImplementedError
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    x = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    n, c, h, w = x.shape
    o, _, kh, kw = weight.shape
    oh, ow = h - kh + 1, w - kw + 1
    assert input.shape[2] % 2 == 0 and input.shape[3] % 2 == 0, "image height and width must be even"
    assert oh % 2 == 0 and ow % 2 == 0 and oh > 0 and ow > 0, "output height and width must be even"
    out = np.zeros((n, o, oh, ow), input.dtype.name)
    for y in range(0, oh, 2):
        for z in range(0, ow, 2):
            quad = x[:, :, y : y + kh + 1, z : z + kw + 1]
            for dy in (0, 1):
                for dz in (0, 1):
                    field = quad[:, :, dy : dy + kh, dz : dz + kw]
                    out[:, :, y + dy, z + dz] = np.tensordot(field, weight, axes=((1, 2, 3), (1, 2, 3)))
    return out if bias is None else out + bias.astype(out.dtype)[:, None, None]
