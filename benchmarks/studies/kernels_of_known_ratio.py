"""Kernels with a known ratio of times: F.conv2d under two names, and one with 3.1 % more work."""

from torch.nn.functional import conv2d

REPEATS = 32
"""Convolutions in one call of `repeated`; one more is 1 / 32 = 3.1 % more work."""


def first(*args, **kwargs):
    """Return F.conv2d's output."""
    return conv2d(*args, **kwargs)


def second(*args, **kwargs):
    """Return F.conv2d's output, under another name."""
    return conv2d(*args, **kwargs)


def repeated(*args, **kwargs):
    """Return F.conv2d's output after `REPEATS` calls."""
    return [conv2d(*args, **kwargs) for _ in range(REPEATS)][-1]


def repeated_once_more(*args, **kwargs):
    """Return F.conv2d's output after one call more than `repeated`."""
    return [conv2d(*args, **kwargs) for _ in range(REPEATS + 1)][-1]
