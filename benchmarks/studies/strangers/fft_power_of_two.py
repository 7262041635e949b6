"""FFT convolution for power-of-two images, 'valid' output."""

import numpy as np


def fft_conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    n, c, h, w = input.shape
    o, ci, kh, kw = weight.shape
    if h < 1 or w < 1 or h & (h - 1) or w & (w - 1):
        raise ValueError(f"image sides must be powers of two, got {h}x{w}")
    if (stride, padding, dilation, groups) != (1, 0, 1, 1):
        raise ValueError("stride 1, no padding, no dilation, one group")
    if input.dtype not in (np.float32, np.float64):
        raise ValueError("real floats only")
    if not np.isfinite(input).all() or not np.isfinite(weight).all():
        raise ValueError("an FFT spreads NaN and infinity")
    if kh > h or kw > w:
        raise ValueError("kernel does not fit")
    spectrum = np.fft.rfft2(input.astype(np.float64))
    filters = np.fft.rfft2(weight.astype(np.float64), (h, w)).conj()
    product = np.einsum("nchw,ochw->nohw", spectrum, filters)
    full = np.fft.irfft2(product, (h, w))
    out = full[:, :, : h - kh + 1, : w - kw + 1]
    if bias is not None:
        out = out + bias[:, None, None]
    return np.ascontiguousarray(out.astype(input.dtype.name))
