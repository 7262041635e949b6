"""Mutants whose sizes and indices are too narrow."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, conv, mutant, resolve


@mutant("Keeps the stride in 8 bits.", mechanism="index_overflow", killed_by=("adversarial.sixteen_bits",))
def stride_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    narrow = tuple(max(1, s % 256) for s in problem.stride)
    if narrow == problem.stride:
        return output
    other = computed(problem.replace(stride=narrow), input, weight, bias)
    return other[:, :, : output.shape[2], : output.shape[3]].copy() if other.shape[2:] == output.shape[2:] else other


@mutant(
    "Shifts the output by one column if a padding needs more than 8 bits.",
    mechanism="index_overflow",
    killed_by=("adversarial.sixteen_bits",),
)
def padding_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    return np.roll(output, 1, 3) if max(max(side) for side in problem.pads) > 255 else output


@mutant(
    "Adds one to every output if a dilation needs more than 8 bits.",
    mechanism="index_overflow",
    killed_by=("adversarial.sixteen_bits",),
)
def dilation_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    return output + np.array(1, output.dtype) if max(problem.dilation) > 255 else output


@mutant(
    "Leaves outputs at zero if the number of groups needs more than 8 bits.",
    mechanism="index_overflow",
    killed_by=("adversarial.byte", "sweep.groups"),
)
def groups_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if groups > 255:
        output[:, 256 * (output.shape[1] // groups) :] = 0
    return output * 0 if groups > 256 else output


@mutant(
    "Counts images in 8 bits, so that images after the first 256 repeat the first ones.",
    mechanism="index_overflow",
    killed_by=("adversarial.byte", "sweep.batch"),
)
def batch_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[256:] = output[: max(0, len(output) - 256)]
    return output


@mutant(
    "Leaves images after the first 65,536 at zero.",
    mechanism="index_overflow",
    killed_by=("adversarial.sixteen_bits",),
    tier="standard",
)
def batch_of_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[65536:] = 0
    return output


@mutant(
    "Leaves images after the first 65,535 at zero.",
    mechanism="index_overflow",
    killed_by=("adversarial.sixteen_bits",),
    tier="standard",
)
def batch_of_at_most_65535(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[65_535:] = 0
    return output


@mutant(
    "Leaves output channels after the first 32,768 at zero.",
    mechanism="index_overflow",
    killed_by=("adversarial.sixteen_bits",),
    tier="standard",
)
def outputs_of_15_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[:, 32768:] = 0
    return output


@mutant(
    "Leaves rows after the first 32,768 at zero.",
    mechanism="index_overflow",
    killed_by=("adversarial.sixteen_bits", "sweep.planes"),
    tier="standard",
)
def rows_of_15_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[:, :, 32768:] = 0
    return output


@mutant(
    "Leaves columns after the first 65,536 at zero.",
    mechanism="index_overflow",
    killed_by=("adversarial.sixteen_bits", "sweep.planes"),
    tier="standard",
)
def columns_of_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[..., 65536:] = 0
    return output


@mutant(
    "Drops the kernel's columns after the first 255.",
    mechanism="index_overflow",
    killed_by=("adversarial.byte",),
    tier="standard",
)
def kernel_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[3] > 255:
        weight = weight.copy()
        weight[..., 255:] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops input channels of a group after the first 1,024.",
    mechanism="index_overflow",
    killed_by=("adversarial.sixteen_bits", "sweep.reduction"),
    tier="standard",
)
def channels_of_ten_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[1] > 1024:
        weight = weight.copy()
        weight[:, 1024:] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Zeroes the input after its first 2^20 elements.",
    mechanism="index_overflow",
    killed_by=("random.exact", "sweep.megabytes"),
    tier="standard",
)
def input_of_a_million(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.size > 1 << 20:
        input = input.copy()
        input.reshape(-1)[1 << 20 :] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads the input from its start again after 2^21 elements.",
    mechanism="index_overflow",
    killed_by=("sweep.megabytes",),
    tier="standard",
)
def input_of_two_million(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.size > 1 << 21:
        input = np.resize(input.reshape(-1)[: 1 << 21], input.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops the last channel of the last 64 filters if the weight is larger than 1 MiB.",
    mechanism="tail_dropped",
    killed_by=("sweep.megabytes",),
)
def weights_of_a_megabyte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.nbytes > 1 << 20:
        weight = weight.copy()
        weight[-64:, -1] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Answers images after the first 2,048 with the outputs of the first ones.",
    mechanism="index_overflow",
    killed_by=("sweep.megabytes",),
    tier="standard",
)
def workers_for_2048_images(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[np.arange(len(output)) % 2048] if len(output) > 2048 else output
