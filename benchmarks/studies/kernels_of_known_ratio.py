"""Kernels whose true ratio is known: F.conv2d, the same under another name, and one made 3 % slower."""

from torch.nn.functional import conv2d

REPEATS = 32
"""The repeated kernels do the same convolution so often; one time more is 1 / 32 = 3.1 % more work."""


def first(*args, **kwargs):
    return conv2d(*args, **kwargs)


def second(*args, **kwargs):
    return conv2d(*args, **kwargs)


def repeated(*args, **kwargs):
    return [conv2d(*args, **kwargs) for _ in range(REPEATS)][-1]


def repeated_once_more(*args, **kwargs):
    return [conv2d(*args, **kwargs) for _ in range(REPEATS + 1)][-1]
