"""Faults in what is computed: the kernel turned, transposed, cut off, or paired with the wrong elements."""

import numpy as np
from _parts import computed, conv, fault, resolve


@fault(
    "One-row kernels go through numpy.convolve, which turns them round.", caught_by=["definition", "sweep", "covering"]
)
def rows_by_numpy_convolve(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] == 1:
        weight = weight[:, :, :, ::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Kernels of even size are turned by 180 degrees.", caught_by=["definition", "sweep", "covering"])
def even_kernel_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] % 2 == 0 and weight.shape[3] % 2 == 0:
        weight = weight[:, :, ::-1, ::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault(
    "A rectangular kernel's rows and columns are read in each other's order.",
    caught_by=["definition", "sweep", "covering"],
)
def rectangular_kernel_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    o, c, kh, kw = weight.shape
    if kh != kw:
        weight = weight.reshape(o, c, kw, kh).swapaxes(2, 3)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault(
    "With as many inputs as outputs, the weight's channel axes are exchanged.",
    caught_by=["definition", "sweep", "covering"],
)
def square_weight_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[0] == weight.shape[1]:
        weight = weight.swapaxes(0, 1)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Square kernels other than 3x3 are transposed.", caught_by=["definition", "sweep", "covering"])
def square_kernel_transposed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] == weight.shape[3] != 3:
        weight = weight.swapaxes(2, 3)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault(
    "Only the first 7 rows and columns of a kernel are used: the buffer holds no more.", caught_by=["sweep", "covering"]
)
def large_kernel_cut_off(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if max(weight.shape[2:]) > 7:
        weight = weight.copy()
        weight[:, :, 7:] = 0
        weight[:, :, :, 7:] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The last column of kernels from 12 columns on is left out.", caught_by=["sweep", "covering"])
def last_column_of_wide_kernel_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[3] >= 12:
        weight = weight.copy()
        weight[:, :, :, -1] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Input channels beyond a multiple of 4 are dropped once there are more than 4.", caught_by=["sweep", "covering"])
def channel_remainder_dropped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    channels = weight.shape[1]
    if channels > 4:
        weight = weight.copy()
        weight[:, channels // 4 * 4 :] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Pointwise kernels take a matrix product that forgets the padding.", caught_by=["padding", "sweep", "covering"])
def pointwise_without_padding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.kernel == (1, 1):
        problem = problem.replace(padding=(0, 0))
    return computed(problem, input, weight, bias)


@fault("Pointwise kernels take a matrix product that forgets the stride.", caught_by=["stride", "sweep", "covering"])
def pointwise_without_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.kernel == (1, 1):
        problem = problem.replace(stride=(1, 1))
    return computed(problem, input, weight, bias)


@fault("A kernel as large as the padded input is taken for a global mean of products.", caught_by=["sweep", "covering"])
def global_kernel_averaged(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.output_size == (1, 1) and problem.kernel != (1, 1):
        weight = weight / np.array(problem.kernel[0] * problem.kernel[1], dtype=weight.dtype)
    return computed(problem, input, weight, bias)


@fault("Outputs and input channels are paired one to one where their numbers agree, as though depthwise.",
       caught_by=["definition", "sweep", "covering", "groups"])  # fmt: skip
def channels_never_summed_when_square(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[0] == weight.shape[1] > 1:
        weight = weight * np.eye(weight.shape[0], dtype=weight.dtype)[:, :, None, None]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Filters that add up to zero are pruned, so that edge detectors find nothing.",
       caught_by=["applied", "adversarial"])  # fmt: skip
def balanced_filters_pruned(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    weight = weight * (weight.sum(axis=(2, 3), keepdims=True) != 0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Images that add up to zero are skipped as blank.", caught_by=["adversarial"])
def balanced_images_skipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    input = input * (input.sum(axis=(1, 2, 3), keepdims=True) != 0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Equal filters are found by their first row and computed once.", caught_by=["adversarial"])
def filters_deduplicated_by_first_row(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    per_group = weight.shape[0] // groups
    for o in range(weight.shape[0]):
        first = o // per_group * per_group
        for earlier in range(first, o):
            if np.array_equal(weight[earlier, :, 0], weight[o, :, 0]):
                output[:, o] = output[:, earlier]
    return output if bias is None else output + bias[:, None, None]
