"""Faults in stride."""

import numpy as np
from _parts import computed, contracted, conv, fault, finished, padded, pair, resolve, windows


@fault("A stride pair is read as (width, height).", caught_by=["stride"])
def stride_pair_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, pair(stride)[::-1], padding, dilation, groups)


@fault("The height's stride is used for the width too.", caught_by=["stride"])
def stride_square(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, pair(stride)[0], padding, dilation, groups)


@fault("The output size is rounded up where the stride does not divide.", caught_by=["stride"])
def output_size_rounded_up(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    room = [
        -(size + sum(side) - extent) % step
        for size, side, extent, step in zip(input.shape[2:], problem.pads, problem.extent, problem.stride)
    ]
    pads = tuple((side[0], side[1] + more) for side, more in zip(problem.pads, room))
    fields = windows(padded(input, pads), problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@fault("The last output is dropped where the stride leaves a remainder.", caught_by=["stride"])
def remainder_drops_last_output(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    rest = (input.shape[3] + sum(problem.pads[1]) - problem.extent[1]) % problem.stride[1]
    return output[..., :-1].copy() if rest and output.shape[3] > 1 else output


@fault("Every stride-th output of the dense answer is kept, beginning with the stride's last.", caught_by=["stride"])
def subsampled_from_the_wrong_phase(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    dense = computed(problem.replace(stride=(1, 1)), input, weight, bias)
    (sh, sw), (height, width) = problem.stride, problem.output_size
    rows = np.minimum(np.arange(height) * sh + sh - 1, dense.shape[2] - 1)
    columns = np.minimum(np.arange(width) * sw + sw - 1, dense.shape[3] - 1)
    return dense[:, :, rows][:, :, :, columns]


@fault("A stride larger than the kernel is taken for the kernel's size.", caught_by=["stride"])
def stride_capped_by_kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    step = tuple(min(s, k) for s, k in zip(problem.stride, problem.kernel))
    output = computed(problem.replace(stride=step), input, weight, bias)
    return output[:, :, : problem.output_size[0], : problem.output_size[1]].copy()


@fault("Stride and dilation together: the kernel's step is their product.", caught_by=["sweep", "covering"])
def stride_multiplies_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if problem.stride[1] == 1 or problem.dilation[1] == 1:
        return output
    return computed(problem.replace(dilation=(1, 1)), input, weight, bias)[
        :, :, : output.shape[2], : output.shape[3]
    ].copy()


@fault("A stride of 3 or more in the height is done as 2.", caught_by=["stride"])
def stride_of_three_is_two(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    done = problem.replace(stride=(min(2, problem.stride[0]), problem.stride[1]))
    return computed(done, input, weight, bias)[:, :, : problem.output_size[0]].copy()


@fault("With stride 2 on an odd width, columns of the next row are read at the right border.",
       caught_by=["stride", "sweep", "covering"])  # fmt: skip
def stride_two_on_odd_width(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if problem.stride[1] == 2 and problem.width % 2 and output.size:
        output[..., :-1, -1] = output[..., 1:, 0]
    return output
