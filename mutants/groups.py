"""Mutants that mix up groups and depthwise convolutions."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, conv, mutant, resolve


def by_hand(problem, input, weight, bias, channels):
    """Return the answer whose group g reads the input channels that ``channels(g)`` selects."""
    group = problem.replace(
        groups=1,
        in_channels=problem.in_channels // problem.groups,
        out_channels=problem.out_channels // problem.groups,
        bias=False,
    )
    parts = [
        computed(group, input[:, channels(g)], filters, None)
        for g, filters in enumerate(np.split(weight, problem.groups, axis=0))
    ]
    output = np.concatenate(parts, axis=1)
    return output if bias is None else output + bias[:, None, None]


@mutant(
    "Reads the first group's channels in every group.",
    mechanism="groups_ignored",
    killed_by=("groups.depthwise_stride_two", "layout.transposed", "stride.one_wide_kernels"),
)
def groups_share_first_channels(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    per = problem.in_channels // problem.groups
    return by_hand(problem, input, weight, bias, lambda g: slice(0, per))


@mutant(
    "Uses the first group's filters for all groups if they are neither dense nor depthwise.",
    mechanism="groups_ignored",
    killed_by=("groups.blocks", "groups.neither_dense_nor_depthwise", "layout.cropped"),
)
def middling_groups_share_filters(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if 1 < groups < input.shape[1] and weight.shape[0]:
        per = weight.shape[0] // groups
        weight = np.concatenate([weight[:per]] * groups)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Computes the last of three or more groups with the filters of the group before.",
    mechanism="groups_ignored",
    killed_by=("corpora.layers", "groups.depthwise", "groups.sixteen_of_three"),
)
def last_group_repeats(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups > 2 and weight.size:
        per = weight.shape[0] // groups
        weight = weight.copy()
        weight[-per:] = weight[-2 * per : -per]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Takes every G-th channel as a group instead of adjacent channels.",
    mechanism="groups_permuted",
    killed_by=("groups.batch", "groups.many", "stride.with_groups"),
)
def groups_interleaved(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return by_hand(problem, input, weight, bias, lambda g: slice(g, None, problem.groups))


@mutant(
    "Interleaves the outputs of the groups, as a channel shuffle does.",
    mechanism="groups_permuted",
    killed_by=("groups.batch", "laws.output_channels", "layout.sliced"),
)
def group_outputs_shuffled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, None)
    n, o, h, w = output.shape
    output = output.reshape(n, groups, o // groups, h, w).swapaxes(1, 2).reshape(n, o, h, w)
    return output if bias is None else output + bias[:, None, None]


@mutant(
    "Pairs output o with channel o mod C in depthwise convolutions with a multiplier.",
    mechanism="groups_permuted",
    killed_by=("groups.depthwise_multiplier", "laws.adjoint"),
)
def multiplier_taken_modulo(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.groups == problem.in_channels > 1 and problem.out_channels:
        order = np.argsort(np.arange(problem.out_channels) % problem.in_channels, kind="stable")
        output = np.empty(problem.output_shape, dtype=input.dtype)
        output[:, order] = computed(problem.replace(bias=False), input, weight[order], None)
        return output if bias is None else output + bias[:, None, None]
    return computed(problem, input, weight, bias)


@mutant(
    "Reads channel c - 8 for every c above 7 in depthwise convolutions of stride 2 with 16 or more channels.",
    mechanism="groups_permuted",
    killed_by=("covering.geometry", "groups.depthwise_stride_two", "sweep.depthwise"),
)
def depthwise_stride_two_from_sixteen(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.groups == problem.in_channels >= 16 and 2 in problem.stride:
        input = np.concatenate([input[:, :8], input[:, :-8]], axis=1)[:, : problem.in_channels]
    return computed(problem, input, weight, bias)


@mutant(
    "Computes as many depthwise outputs as there are inputs and leaves the rest at the bias.",
    mechanism="tail_dropped",
    killed_by=("groups.depthwise_multiplier", "laws.groups", "sweep.together"),
)
def multiplier_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.groups == problem.in_channels > 1:
        weight = weight.copy()
        weight[problem.in_channels :] = 0
    return computed(problem, input, weight, bias)


@mutant(
    "Zeroes the filters after the eighth of each group of three channels.",
    mechanism="tail_dropped",
    killed_by=("groups.sixteen_of_three",),
)
def three_channels_a_group(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    per = weight.shape[0] // max(1, groups)
    if groups > 1 and weight.shape[1] == 3 and per > 8:
        weight = weight.copy()
        weight[np.arange(len(weight)) % per >= 8] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops the last of an odd number of channels in depthwise convolutions.",
    mechanism="tail_dropped",
    killed_by=("covering.squares.depthwise", "groups.depthwise_stride_two", "sweep.depthwise"),
)
def depthwise_pairs_of_channels(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups == input.shape[1] > 1 and groups % 2:
        weight = weight.copy()
        weight[-1] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Uses the first group's bias for every group.",
    mechanism="bias_axis",
    killed_by=("bias.in_groups", "groups.without_bias", "sweep.squares"),
)
def grouped_bias_repeats(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and groups > 1 and bias.size:
        bias = np.tile(bias[: len(bias) // groups], groups)
    return conv(input, weight, bias, stride, padding, dilation, groups)
