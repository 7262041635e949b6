"""Mutants that misuse the dilation."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, contracted, conv, finished, mutant, padded, pair, resolve, windows


@mutant(
    "Ignores the dilation and cuts the output to the right size.",
    mechanism="argument_ignored",
    killed_by=("dilation.atrous", "dilation.int", "laws.dilation"),
)
def dilation_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads = problem.pads
    fields = windows(padded(input, pads), problem.kernel, problem.stride, (1, 1))
    fields = fields[:, :, : problem.output_size[0], : problem.output_size[1]]
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@mutant(
    "Reads a dilation pair as (width, height).",
    mechanism="swapped_axes",
    killed_by=("dilation.pair", "laws.additive.input", "laws.input_channels"),
)
def dilation_pair_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, pair(dilation)[::-1], groups)


@mutant(
    "Uses the height's dilation for the width too.",
    mechanism="axis_shared",
    killed_by=("dilation.list", "laws.additive.weight", "laws.padding"),
)
def dilation_square(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, pair(dilation)[0], groups)


@mutant(
    "Takes d k as the extent of a dilated kernel, so that the last outputs are missing.",
    mechanism="wrong_shape",
    killed_by=("dilation.even_kernel", "dilation.larger_than_the_input", "laws.filters"),
)
def dilated_extent_too_large(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    keep = [
        max(1, (size + sum(side) - d * k) // s + 1)
        for size, side, d, k, s in zip(
            input.shape[2:], problem.pads, problem.dilation, problem.kernel, problem.stride, strict=True
        )
    ]
    return output[:, :, : keep[0], : keep[1]].copy()


@mutant(
    "Ignores the dilation if there are groups.",
    mechanism="argument_ignored",
    killed_by=("arguments.all_different", "covering.squares.grouped", "dilation.with_groups"),
)
def grouped_without_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if groups == 1:
        return computed(problem, input, weight, bias)
    return dilation_ignored(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Caps the dilation at 3.",
    mechanism="argument_ignored",
    killed_by=("covering.squares.dilated_evenly", "dilation.atrous", "dilation.extent", "sweep.dilation"),
)
def dilation_capped_at_three(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if max(problem.dilation) < 4:
        return computed(problem, input, weight, bias)
    fields = windows(
        padded(input, problem.pads), problem.kernel, problem.stride, tuple(min(3, d) for d in problem.dilation)
    )
    fields = fields[:, :, : problem.output_size[0], : problem.output_size[1]]
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@mutant(
    "Shifts the outputs by one column if the width's dilation is above 2.",
    mechanism="shifted_output",
    killed_by=("dilation.atrous", "laws.reflected", "laws.shift"),
)
def dilated_kernel_shifted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    return np.roll(output, 1, axis=3) if problem.dilation[1] > 2 else output


@mutant(
    "Reads a dilation pair as (width, height), and raises ValueError for every exception that follows.",
    mechanism="swapped_axes",
    killed_by=("dilation.pair",),
)
def accidents_translated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        return conv(input, weight, bias, stride, padding, pair(dilation)[::-1], groups)
    except Exception as error:
        raise ValueError("such a call is not supported") from error
