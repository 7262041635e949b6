"""int8 convolution; the sums wrap around like the hardware's."""

import numpy as np


def qconv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.int8 or weight.dtype != np.int8:
        raise TypeError("int8 only")
    if groups != 1 or isinstance(padding, str):
        raise ValueError("unsupported")
    sh, sw = np.broadcast_to(stride, 2).tolist()
    ph, pw = np.broadcast_to(padding, 2).tolist()
    dh, dw = np.broadcast_to(dilation, 2).tolist()
    n, c, h, w = input.shape
    o, _, kh, kw = weight.shape
    oh, ow = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    if oh < 1 or ow < 1:
        raise ValueError("empty output")
    x = np.zeros((n, c, h + 2 * ph, w + 2 * pw), np.int32)
    x[:, :, ph : ph + h, pw : pw + w] = input
    acc = np.zeros((n, o, oh, ow), np.int32)
    for i in range(kh):
        for j in range(kw):
            tap = x[:, :, i * dh : i * dh + (oh - 1) * sh + 1 : sh, j * dw : j * dw + (ow - 1) * sw + 1 : sw]
            acc += np.einsum("nchw,oc->nohw", tap, weight[:, :, i, j].astype(np.int32))
    if bias is not None:
        acc += bias[:, None, None].astype(np.int32)
    return acc.astype(np.int8)
