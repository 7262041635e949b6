"""Convolution as in the lecture: np.zeros, two loops, a sum."""

import numpy as np


def convolve(image, kernel, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups > 1:
        raise NotImplementedError("groups")
    if dilation != 1:
        raise NotImplementedError("dilation")
    if isinstance(padding, str) or isinstance(padding, tuple):
        raise NotImplementedError("padding must be one number")
    if isinstance(stride, tuple):
        raise NotImplementedError("stride must be one number")
    if image.dtype.kind != "f" or image.dtype.itemsize < 4:
        raise NotImplementedError("floats")
    batch, _, height, width = image.shape
    filters, _, kh, kw = kernel.shape
    padded = np.zeros((batch, image.shape[1], height + 2 * padding, width + 2 * padding))
    padded[:, :, padding : padding + height, padding : padding + width] = image
    rows = (padded.shape[2] - kh) // stride + 1
    cols = (padded.shape[3] - kw) // stride + 1
    if rows < 1 or cols < 1:
        raise NotImplementedError("empty")
    output = np.zeros((batch, filters, rows, cols))
    for row in range(rows):
        for col in range(cols):
            patch = padded[:, :, row * stride : row * stride + kh, col * stride : col * stride + kw]
            output[:, :, row, col] = np.sum(patch[:, None] * kernel[None], axis=(2, 3, 4))
    if bias is not None:
        output += bias.reshape(1, -1, 1, 1)
    return output
