"""Faults of narrow integers: parameters kept in 8 or 16 bits."""

import numpy as np
from _parts import computed, conv, fault, resolve


@fault("The stride is kept in 8 bits: 256 and more wrap.", caught_by=["sweep", "stride", "adversarial"])
def stride_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    kept = tuple(max(1, s % 256) for s in problem.stride)
    if kept == problem.stride:
        return output
    other = computed(problem.replace(stride=kept), input, weight, bias)
    return other[:, :, : output.shape[2], : output.shape[3]].copy() if other.shape[2:] == output.shape[2:] else other


@fault("The padding is kept in 8 bits: 256 and more wrap.", caught_by=["sweep", "padding", "adversarial"])
def padding_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    return np.roll(output, 1, 3) if max(max(side) for side in problem.pads) > 255 else output


@fault("The dilation is kept in 8 bits: 256 and more wrap.", caught_by=["sweep", "dilation", "adversarial"])
def dilation_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    return output + np.array(1, output.dtype) if max(problem.dilation) > 255 else output


@fault("The number of groups is kept in 8 bits.", caught_by=["sweep", "groups", "adversarial"])
def groups_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if groups > 255:
        output[:, 256 * (output.shape[1] // groups) :] = 0
    return output * 0 if groups > 256 else output


@fault("Images are counted in 8 bits.", caught_by=["sweep", "adversarial"])
def batch_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[256:] = output[: max(0, len(output) - 256)]
    return output


@fault("Images are counted in 16 bits.", caught_by=["sweep", "adversarial"], tier="standard")
def batch_of_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[65536:] = 0
    return output


@fault("Output channels are counted in 16 bits, signed.", caught_by=["sweep", "adversarial"], tier="standard")
def outputs_of_15_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[:, 32768:] = 0
    return output


@fault(
    "Rows are counted in 15 bits: an image of more than 32,767 rows is cut.",
    caught_by=["sweep", "adversarial"],
    tier="standard",
)
def rows_of_15_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[:, :, 32768:] = 0
    return output


@fault(
    "Columns are counted in 16 bits: an image of more than 65,535 columns is cut.",
    caught_by=["sweep", "adversarial"],
    tier="standard",
)
def columns_of_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[..., 65536:] = 0
    return output


@fault("The kernel's columns are counted in 8 bits.", caught_by=["sweep", "adversarial"], tier="standard")
def kernel_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[3] > 255:
        weight = weight.copy()
        weight[..., 255:] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault(
    "Input channels are counted in 10 bits: those beyond 1,024 are dropped.",
    caught_by=["sweep", "adversarial"],
    tier="standard",
)
def channels_of_ten_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[1] > 1024:
        weight = weight.copy()
        weight[:, 1024:] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Operands of more than 2^20 elements are cut there.", caught_by=["sweep", "adversarial"], tier="standard")
def input_of_a_million(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.size > 1 << 20:
        input = input.copy()
        input.reshape(-1)[1 << 20 :] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Weights that no cache of a megabyte holds are packed without the last block of 64 filters' last channel.",
       caught_by=["sweep"])  # fmt: skip
def weights_of_a_megabyte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.nbytes > 1 << 20:
        weight = weight.copy()
        weight[-64:, -1] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Inputs of more than 2^21 elements are read from the beginning again.", caught_by=["sweep"], tier="standard")
def input_of_two_million(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.size > 1 << 21:
        input = np.resize(input.reshape(-1)[: 1 << 21], input.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Images are handed out to 2,048 workers at most: those beyond get the first ones' answers.",
       caught_by=["sweep"], tier="standard")  # fmt: skip
def workers_for_2048_images(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[np.arange(len(output)) % 2048] if len(output) > 2048 else output
