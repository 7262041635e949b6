"""Faults in shapes: nothing in, nothing out, axes of one element lost."""

import numpy as np
from _parts import computed, conv, fault, resolve


@fault("An empty batch is answered with one image.", caught_by=["empty", "shape"])
def empty_batch_gives_one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[0] == 0:
        input = np.zeros((1, *input.shape[1:]), dtype=input.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("An empty batch divides by zero.", caught_by=["empty", "shape"])
def empty_batch_raises(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    chunk = 64 // input.shape[0] + 1
    return conv(input, weight, bias, stride, padding, dilation, groups) if chunk else None


@fault("Without input channels the answer is zero, not the bias.", caught_by=["empty"])
def no_channels_no_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if input.shape[1] else output * 0


@fault("Without input channels the output is memory never written to.", caught_by=["empty"])
def no_channels_stale_memory(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.shape[1] == 0:
        del_me = np.full(problem.output_shape, 7.7, dtype=input.dtype)  # leaves its content on the heap
        del del_me
        return np.empty(problem.output_shape, dtype=input.dtype)
    return computed(problem, input, weight, bias)


@fault("An input of no rows between padded borders gives no rows.", caught_by=["empty"])
def no_rows_gives_no_rows(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[:, :, :0] if input.shape[2] == 0 else output


@fault(
    "A kernel larger than the padded input gives an empty answer instead of an error.", caught_by=["errors", "empty"]
)
def kernel_too_large_gives_nothing(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    except ValueError as error:
        if "nothing to put out" not in str(error):
            raise
        return np.zeros((input.shape[0], weight.shape[0], 0, 0), dtype=input.dtype)


@fault("A kernel larger than the padded input gives one output.", caught_by=["errors", "empty"])
def kernel_too_large_gives_one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    except ValueError as error:
        if "nothing to put out" not in str(error):
            raise
        return np.zeros((input.shape[0], weight.shape[0], 1, 1), dtype=input.dtype)


@fault("A batch of one loses its axis.", caught_by=["shape"])
def one_image_unbatched(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[0] if len(output) == 1 else output


@fault("Axes of one element are squeezed away.", caught_by=["shape"])
def squeezed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.squeeze(conv(input, weight, bias, stride, padding, dilation, groups))


@fault("A single output channel is given without its axis.", caught_by=["shape"])
def one_channel_squeezed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[:, 0] if output.shape[1] == 1 else output


@fault("A global kernel's answer is given as (N, O), without rows and columns.", caught_by=["shape"])
def one_position_flattened(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[:, :, 0, 0].copy() if output.shape[2:] == (1, 1) else output


@fault("Rectangular outputs are given with rows and columns exchanged in shape, not in content.", caught_by=["shape"])
def rectangular_output_reshaped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    return output.reshape(n, o, w, h)


@fault(
    "From three images on, batch and channel are exchanged in the output where they agree.",
    caught_by=["sweep", "covering"],
)
def batch_and_channel_exchanged(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.shape[0] == output.shape[1]:
        return np.ascontiguousarray(output.swapaxes(0, 1))
    return output
