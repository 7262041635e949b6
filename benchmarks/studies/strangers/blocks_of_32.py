"""Blocked convolution in the NCHW32c style: channels and filters come in blocks of 32."""

import numpy as np

BLOCK = 32


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert groups == 1
    n, c, h, w = input.shape
    k, _, r, s = weight.shape
    assert c % BLOCK == 0 and k % BLOCK == 0, "channels must be a multiple of 32"
    assert c > 0 and k > 0
    assert input.dtype == np.float32
    if isinstance(padding, int):
        padding = (padding, padding)
    if isinstance(stride, int):
        stride = (stride, stride)
    if isinstance(dilation, int):
        dilation = (dilation, dilation)
    assert not isinstance(padding, str)
    p = (h + 2 * padding[0] - dilation[0] * (r - 1) - 1) // stride[0] + 1
    q = (w + 2 * padding[1] - dilation[1] * (s - 1) - 1) // stride[1] + 1
    assert p > 0 and q > 0
    x = np.zeros((n, c, h + 2 * padding[0], w + 2 * padding[1]), np.float32)
    x[:, :, padding[0] : padding[0] + h, padding[1] : padding[1] + w] = input
    # NCHWc and KCRSck
    blocks = x.reshape(n, c // BLOCK, BLOCK, *x.shape[2:]).transpose(0, 1, 3, 4, 2)
    packed = weight.reshape(k // BLOCK, BLOCK, c // BLOCK, BLOCK, r, s).transpose(0, 2, 4, 5, 3, 1)
    out = np.zeros((n, k // BLOCK, p, q, BLOCK), np.float32)
    for ko in range(k // BLOCK):
        for co in range(c // BLOCK):
            for i in range(r):
                for j in range(s):
                    y0, x0 = i * dilation[0], j * dilation[1]
                    rows = slice(y0, y0 + (p - 1) * stride[0] + 1, stride[0])
                    cols = slice(x0, x0 + (q - 1) * stride[1] + 1, stride[1])
                    out[:, ko] += blocks[:, co, rows, cols] @ packed[ko, co, i, j]
        if bias is not None:
            out[:, ko] += bias[ko * BLOCK : (ko + 1) * BLOCK]
    return np.ascontiguousarray(out.transpose(0, 1, 4, 2, 3)).reshape(n, k, p, q)
