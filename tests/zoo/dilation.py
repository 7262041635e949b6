"""Faults in dilation."""

from _parts import computed, contracted, conv, fault, finished, padded, pair, resolve, windows


@fault("Dilation is ignored; the output is cut to the size it would have.", caught_by=["dilation"])
def dilation_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads = problem.pads
    fields = windows(padded(input, pads), problem.kernel, problem.stride, (1, 1))
    fields = fields[:, :, : problem.output_size[0], : problem.output_size[1]]
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@fault("A dilation pair is read as (width, height).", caught_by=["dilation"])
def dilation_pair_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, pair(dilation)[::-1], groups)


@fault("The height's dilation is used for the width too.", caught_by=["dilation"])
def dilation_square(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, pair(dilation)[0], groups)


@fault("A dilated kernel's extent is taken as d k, so that outputs at the end are missing.", caught_by=["dilation"])
def dilated_extent_too_large(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    keep = [
        max(1, (size + sum(side) - d * k) // s + 1)
        for size, side, d, k, s in zip(input.shape[2:], problem.pads, problem.dilation, problem.kernel, problem.stride)
    ]
    return output[:, :, : keep[0], : keep[1]].copy()


@fault("Dilation is forgotten as soon as there are groups.", caught_by=["dilation", "groups", "sweep", "covering"])
def grouped_without_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if groups == 1:
        return computed(problem, input, weight, bias)
    return dilation_ignored(input, weight, bias, stride, padding, dilation, groups)


@fault("Dilation from 4 on is done as 3.", caught_by=["dilation", "sweep", "covering"])
def dilation_capped_at_three(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if max(problem.dilation) < 4:
        return computed(problem, input, weight, bias)
    fields = windows(
        padded(input, problem.pads), problem.kernel, problem.stride, tuple(min(3, d) for d in problem.dilation)
    )
    fields = fields[:, :, : problem.output_size[0], : problem.output_size[1]]
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@fault("The dilated kernel's middle stays where it was: outputs are shifted for d > 2.", caught_by=["dilation"])
def dilated_kernel_shifted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    import numpy as np

    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    return np.roll(output, 1, axis=3) if problem.dilation[1] > 2 else output
