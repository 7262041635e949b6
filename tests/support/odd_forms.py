"""Convolutions of NumPy in odd forms: each computes conv2d and is called in its own way.

With the environment variable ODD_FORMS_TURNED they turn the kernel by 180 degrees: the faulty twins.
"""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import functools
import os

import numpy as np


def conv(x, w, b, stride, padding, dilation=1, groups=1):
    """Compute the convolution by its definition, in the dtype of the operands; sizes are numbers or pairs."""
    if "ODD_FORMS_TURNED" in os.environ:
        w = w[:, :, ::-1, ::-1]
    sizes = (size if isinstance(size, tuple) else (size, size) for size in (stride, padding, dilation))
    (sh, sw), (ph, pw), (dh, dw) = sizes
    (o, c, kh, kw), n = w.shape, len(x)
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    rows = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1
    columns = (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((n, o, rows, columns), x.dtype)
    for out in range(o):
        first = out // (o // groups) * c
        for i in range(kh):
            for j in range(kw):
                window = x[:, first : first + c, i * dh :: sh, j * dw :: sw][:, :, :rows, :columns]
                y[:, out] += (window * w[out, :, i, j][:, None, None]).sum(axis=1, dtype=x.dtype)
    return y if b is None else y + b.reshape(-1, 1, 1)


def number(value):
    """Return a number; a tuple, list or text is an error of Python."""
    return value // 1


# --- judged without an adapter ---------------------------------------------------------------------------------------


def other_names(x, kernel, b=None, strides=1, pad=0, dil=1, group=1):
    return conv(x, kernel, b, strides, pad, dil, group)


def no_bias(data, filters, stride=1, padding=0):
    return conv(data, filters, None, stride, padding)


def numbers(x, w, b=None, stride=1, padding=0):
    return conv(x, w, b, number(stride), number(padding))


def asserted_numbers(x, w, b=None, stride=1, padding=0):
    assert isinstance(stride, int) and isinstance(padding, int)
    return conv(x, w, b, stride, padding)


def positional_only(x, w, b, stride, pad, /):
    return conv(x, w, b, stride, pad)


def bias_needed(x, w, b, stride, pad):
    return conv(x, w, None, stride, pad) + b.reshape(-1, 1, 1)


def weight_first(w, x, stride=1, pad=0):
    return conv(x, w, None, stride, pad)


def with_cache(x, w, b=None, stride=1, pad=0):
    return conv(x, w, b, stride, pad), (x, w, b)


def double(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups) + np.zeros(1)


partial = functools.partial(other_names, group=1)


class Stateless:
    def __call__(self, x, w, b=None, stride=1, pad=0):
        return conv(x, w, b, stride, pad)


instance = Stateless()


# --- with an adapter -------------------------------------------------------------------------------------------------


def conv_param(x, w, b, conv_param):
    return conv(x, w, b, number(conv_param["stride"]), number(conv_param["pad"])), (x, w, b, conv_param)


def nhwc(x, w, b, stride=1, padding=0):
    return conv(x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1), b, stride, padding).transpose(0, 2, 3, 1)


def nhwc_cache(a_prev, w, b, hparameters):
    assert w.shape[0] == w.shape[1]
    channels = w.shape[3]
    y = nhwc(a_prev, w, b.reshape(channels), number(hparameters["stride"]), number(hparameters["pad"]))
    return y + 0 * b[:, :, :, :channels], (a_prev, w, b, hparameters)


def nhwc_same(x, kernel, strides=(1, 1), padding="SAME"):
    before = [(size - 1) // 2 for size in kernel.shape[:2]] if padding == "SAME" else [0, 0]
    after = (
        [size - 1 - first for size, first in zip(kernel.shape[:2], before, strict=True)]
        if padding == "SAME"
        else [0, 0]
    )
    x = np.pad(x, ((0, 0), *zip(before, after, strict=True), (0, 0)))
    return conv(x.transpose(0, 3, 1, 2), kernel.transpose(3, 2, 0, 1), None, tuple(strides), 0).transpose(0, 2, 3, 1)


def inputs_first(x, w, stride=1, padding=0):
    return conv(x, w.transpose(1, 0, 2, 3), None, stride, padding)


def dilation_from_zero(x, w, b=None, stride=1, padding=0, dilation=0):
    return conv(x, w, b, stride, padding, number(dilation) + 1)


def top_bottom_left_right(x, w, b=None, stride=1, padding=(0, 0, 0, 0)):
    top, bottom, left, right = padding
    return conv(np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right))), w, b, stride, 0)


def left_right_top_bottom(x, w, b=None, stride=1, padding=(0, 0, 0, 0)):
    left, right, top, bottom = padding
    return conv(np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right))), w, b, stride, 0)


def single_image(image, kernels, stride=1, pad=0):
    if image.ndim != 3:
        raise ValueError("one image")
    return conv(image[None], kernels, None, stride, pad)[0]


def dictionary(x, w, b=None, stride=1, padding=0):
    return {"out": conv(x, w, b, stride, padding), "cols": None}


class Layer:
    """Layer with random weights, as in a course."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        self.stride, self.padding = stride, padding
        self.W = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.b = np.zeros((out_channels, 1))

    def forward(self, x):
        return conv(x, self.W, self.b, number(self.stride), number(self.padding))


class Called:
    """Layer that is given its arrays and is called."""

    def __init__(self, filters, bias=None, strides=1, padding=0):
        self.filters, self.bias, self.strides, self.padding = filters, bias, strides, padding

    def __call__(self, x):
        return conv(x, self.filters, self.bias, self.strides, self.padding)


def fixed_table(x, w, lookup):
    return conv(x, w, None, lookup[0], lookup[1])
