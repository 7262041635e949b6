"""Partial sums of a convolution, which a kernel may add in any order: a sum in floating point depends on it."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from _base import DTYPES, contracted, finished, padded, windows

CHANNELS = 5
"""Channels of a group whose products are one partial sum, with one row of the kernel."""


def partial_sums(problem, input, weight, channels=CHANNELS):
    """Return the partial sums of all outputs, in the accumulator's dtype."""
    accumulator = DTYPES[problem.dtype].accumulator
    x = padded(input.astype(accumulator), problem.pads)
    fields = windows(x, problem.kernel, problem.stride, problem.dilation)
    n, _, *rest = fields.shape
    grouped = fields.reshape(n, problem.groups, weight.shape[1], *rest)
    weight = weight.astype(accumulator)
    parts = []
    for first in range(0, weight.shape[1], channels):
        block = slice(first, first + channels)
        for row in range(problem.kernel[0]):
            part = grouped[:, :, block, :, :, row : row + 1]
            part = part.reshape(n, part.shape[1] * part.shape[2], *part.shape[3:])
            parts.append(contracted(part, weight[:, block, row : row + 1], problem.groups))
    return parts or [contracted(fields, weight, problem.groups)]


def added(parts, bias, dtype):
    """Return the output: the partial sums, added in their order, and the bias."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return finished(total, bias, dtype)
