"""Fast conv for inference: everything runs in single precision."""

import numpy as np
from numpy.lib.stride_tricks import as_strided


def conv_forward(image, filters, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups != 1 or dilation not in (1, (1, 1)):
        raise NotImplementedError("inference kernels are dense")
    if not isinstance(padding, int) or not isinstance(stride, int):
        raise NotImplementedError("symmetric stride and padding only")
    image = np.ascontiguousarray(image, dtype=np.float32)
    filters = np.ascontiguousarray(filters, dtype=np.float32)
    if image.size == 0 or filters.size == 0:
        raise NotImplementedError("nothing to do")
    p = padding
    image = np.pad(image, [(0, 0), (0, 0), (p, p), (p, p)])
    n, c, h, w = image.shape
    o, _, r, s = filters.shape
    oh, ow = 1 + (h - r) // stride, 1 + (w - s) // stride
    sn, sc, sh, sw = image.strides
    cols = as_strided(image, (n, oh, ow, c, r, s), (sn, sh * stride, sw * stride, sc, sh, sw))
    out = cols.reshape(n, oh * ow, c * r * s) @ filters.reshape(o, -1).T
    if bias is not None:
        out = out + np.asarray(bias, np.float32)
    return np.ascontiguousarray(out.transpose(0, 2, 1).reshape(n, o, oh, ow))
