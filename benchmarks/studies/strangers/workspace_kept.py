"""im2col with a workspace per thread that is allocated once and reused."""

import threading

import numpy as np

_local = threading.local()


def _buffer(shape, dtype):
    workspace = _local.__dict__
    key = f"{shape}{dtype}"
    if key not in workspace:
        workspace[key] = np.empty(shape, dtype)
    return workspace[key]


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert groups == 1 and not isinstance(padding, str)
    assert input.dtype in (np.float32, np.float64) and weight.dtype == input.dtype
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    assert dilation in (1, (1, 1))
    n, c, h, w = input.shape
    o, _, kh, kw = weight.shape
    oh, ow = (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1
    assert oh > 0 and ow > 0
    padded = _buffer((c, h + 2 * ph, w + 2 * pw), input.dtype.name)
    columns = _buffer((c, kh, kw, oh, ow), input.dtype.name)
    padded.fill(0)
    out = np.empty((n, o, oh, ow), input.dtype.name)
    for a in range(n):
        padded[:, ph : ph + h, pw : pw + w] = input[a]
        for i in range(kh):
            for j in range(kw):
                columns[:, i, j] = padded[:, i : i + (oh - 1) * sh + 1 : sh, j : j + (ow - 1) * sw + 1 : sw]
        out[a] = (weight.reshape(o, c * kh * kw) @ columns.reshape(c * kh * kw, oh * ow)).reshape(o, oh, ow)
    if bias is not None:
        out += bias[:, None, None]
    return out
