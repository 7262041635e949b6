"""Mutants that fail for empty operands or return an output of the wrong shape."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, conv, mutant, resolve


@mutant(
    "Answers an empty batch with one image.",
    mechanism="wrong_shape",
    killed_by=("empty.batch.same", "empty.out_channels"),
)
def empty_batch_gives_one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[0] == 0:
        input = np.zeros((1, *input.shape[1:]), dtype=input.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Returns no rows for an input without rows, although the padding gives rows.",
    mechanism="wrong_shape",
    killed_by=("empty.size_with_padding",),
)
def no_rows_gives_no_rows(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[:, :, :0] if input.shape[2] == 0 else output


@mutant(
    "Drops the batch axis of a batch of one.",
    mechanism="wrong_shape",
    killed_by=("shape.axes", "shape.columns"),
)
def one_image_unbatched(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[0] if len(output) == 1 else output


@mutant("Drops all axes of one element.", mechanism="wrong_shape", killed_by=("shape.axes",))
def squeezed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.squeeze(conv(input, weight, bias, stride, padding, dilation, groups))


@mutant("Drops the channel axis of a single output channel.", mechanism="wrong_shape", killed_by=("shape.axes",))
def one_channel_squeezed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[:, 0] if output.shape[1] == 1 else output


@mutant(
    "Drops the row and column axes of a single output position.",
    mechanism="wrong_shape",
    killed_by=("shape.odd_and_even", "shape.one"),
)
def one_position_flattened(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[:, :, 0, 0].copy() if output.shape[2:] == (1, 1) else output


@mutant(
    "Swaps height and width in the output's shape but not in its content.",
    mechanism="wrong_shape",
    killed_by=("shape.axes", "shape.rows"),
)
def rectangular_output_reshaped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    return output.reshape(n, o, w, h)


@mutant(
    "Swaps batch and channels of the output where they are equal in number.",
    mechanism="swapped_axes",
    killed_by=("covering.squares.large", "sweep.in_channels"),
)
def batch_and_channel_exchanged(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.shape[0] == output.shape[1]:
        return np.ascontiguousarray(output.swapaxes(0, 1))
    return output


@mutant(
    "Divides by zero on an empty batch.",
    mechanism="refuses_valid",
    killed_by=("empty.batch", "empty.batch.same"),
)
def empty_batch_raises(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    chunk = 64 // input.shape[0] + 1
    return conv(input, weight, bias, stride, padding, dilation, groups) if chunk else None


@mutant(
    "Drops the bias if there are no input channels.",
    mechanism="bias_dropped",
    killed_by=("empty.in_channels",),
    advised_by=("empty.in_channels.shape",),
)
def no_channels_no_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if input.shape[1] else output * 0


@mutant(
    "Returns memory that was never written if there are no input channels.",
    mechanism="stale_memory",
    killed_by=("empty.in_channels",),
)
def no_channels_stale_memory(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.shape[1] == 0:
        stale = np.full(problem.output_shape, 7.7, dtype=input.dtype)  # leaves its content on the heap
        del stale
        return np.empty(problem.output_shape, dtype=input.dtype)
    return computed(problem, input, weight, bias)
