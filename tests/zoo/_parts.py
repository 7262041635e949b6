"""What the zoo's files are written with: the two decorators, and the pieces of a sound convolution.

A fault is declared with a literal sentence and literal keywords, since the selftest reads them from the text and loads
the function in a child process alone.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convgauge.arguments import resolve
from convgauge.dtypes import DTYPES


def fault(sentence, *, caught_by, framework="numpy", profile="functional", smoke=True, tier="quick", timeout=20.0):
    """Declare a faulty convolution.

    ``caught_by`` are the chapters (or spec ids) of which at least one must catch it at ``tier`` in ``profile``.
    ``smoke`` says whether it passes the usual smoke test. ``timeout`` is lower for those that hang.
    """
    return lambda function: function


def sound(sentence, *, framework="numpy", profile="functional", noted_by=()):
    """Declare a convolution of unusual build that must not be accused.

    ``noted_by`` are the recommended specs that must tell of its shortcomings.
    """
    return lambda function: function


def pair(value):
    """(height, width) from a number or a pair."""
    return (value, value) if isinstance(value, int) else tuple(value)


def padded(input, pads):
    """``input`` with ((top, bottom), (left, right)) zeros around it, in a new array."""
    return np.pad(input, ((0, 0), (0, 0), *pads))


def windows(x, kernel, stride, dilation):
    """A view (N, C, OH, OW, KH, KW) of the receptive fields of a padded input."""
    extent = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel))
    (sh, sw), (dh, dw) = stride, dilation
    return sliding_window_view(x, extent, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]


def contracted(fields, weight, groups=1):
    """(N, O, OH, OW): the products of receptive fields and filters added up, group by group."""
    parts = [
        np.tensordot(filters, some, axes=((1, 2, 3), (1, 4, 5)))
        for filters, some in zip(np.split(weight, groups, axis=0), np.split(fields, groups, axis=1))
    ]
    return np.concatenate(parts).swapaxes(0, 1)


def finished(output, bias, dtype):
    """The bias added and the result in the operands' dtype, in an array of its own."""
    if bias is not None:
        output = output + bias.astype(output.dtype)[:, None, None]
    return output.astype(dtype, order="C")


def computed(problem, input, weight, bias):
    """The sound answer to a problem."""
    accumulator = DTYPES[problem.dtype].accumulator
    x = padded(input.astype(accumulator), problem.pads)
    fields = windows(x, problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight.astype(accumulator), problem.groups), bias, problem.dtype)


def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """A sound convolution: the base that faults are planted in."""
    return computed(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias)
