"""conv2d through scipy.signal, plane by plane."""

import numpy as np
from scipy.signal import correlate2d


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups != 1 or dilation != 1 or isinstance(padding, str) or isinstance(stride, tuple):
        raise ValueError("unsupported arguments")
    if input.dtype not in (np.float32, np.float64):
        raise ValueError("unsupported dtype")
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    x = np.pad(input.astype(input.dtype.name), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    kh, kw = weight.shape[2:]
    oh, ow = (x.shape[2] - kh) // stride + 1, (x.shape[3] - kw) // stride + 1
    if oh < 1 or ow < 1 or 0 in input.shape or 0 in weight.shape:
        raise ValueError("nothing to compute")
    planes = np.empty((len(x), len(weight), oh, ow), x.dtype)
    for n in range(len(x)):
        for o in range(len(weight)):
            total = 0
            for c in range(x.shape[1]):
                total = total + correlate2d(x[n, c], weight[o, c], mode="valid")
            planes[n, o] = total[::stride, ::stride]
    if bias is not None:
        planes += bias[:, None, None]
    return planes
