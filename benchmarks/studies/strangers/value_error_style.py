"""Direct conv2d, vectorised over batch and filters."""

import numpy as np


def _pair(v):
    if isinstance(v, (tuple, list)):
        return tuple(v)
    return v, v


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.ndim != 4 or weight.ndim != 4:
        raise ValueError("expected 4D input and weight")
    if isinstance(padding, str):
        raise ValueError(f"unsupported padding mode: {padding}")
    if input.dtype not in (np.float32, np.float64) or weight.dtype != input.dtype:
        raise ValueError("only float32 and float64 are supported")
    if groups < 1 or input.shape[1] % groups or weight.shape[0] % groups:
        raise ValueError("channels must be divisible by groups")
    if input.shape[1] != weight.shape[1] * groups:
        raise ValueError("channel mismatch")
    if _pair(dilation) != (1, 1):
        raise ValueError("dilation is not supported")
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    n, c, h, w = input.shape
    o, cg, kh, kw = weight.shape
    oh, ow = (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1
    if oh <= 0 or ow <= 0 or 0 in input.shape or 0 in weight.shape:
        raise ValueError("empty output")
    padded = np.zeros((n, c, h + 2 * ph, w + 2 * pw), input.dtype.newbyteorder("="))
    padded[:, :, ph : ph + h, pw : pw + w] = input
    result = np.empty((n, o, oh, ow), padded.dtype)
    og = o // groups
    for g in range(groups):
        filters = weight[g * og : (g + 1) * og].reshape(og, -1)
        for y in range(oh):
            for x in range(ow):
                window = padded[:, g * cg : (g + 1) * cg, y * sh : y * sh + kh, x * sw : x * sw + kw]
                result[:, g * og : (g + 1) * og, y, x] = window.reshape(n, -1) @ filters.T
    if bias is not None:
        result += bias[None, :, None, None]
    return result
