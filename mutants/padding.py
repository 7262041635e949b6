"""Mutants that misuse the padding."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import Pads, computed, contracted, conv, finished, mutant, padded, pair, resolve, windows


@mutant(
    "Reads a padding pair as (width, height).",
    mechanism="swapped_axes",
    killed_by=("padding.pair", "padding.with_stride"),
)
def padding_pair_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, tuple):
        padding = padding[::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Uses the height's padding for the width too.",
    mechanism="axis_shared",
    killed_by=("padding.larger_than_the_input",),
)
def padding_square(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, (tuple, list)):
        padding = padding[0]
    return conv(input, weight, bias, stride, padding, dilation, groups)


def with_pads(problem, input, weight, bias, pads):
    """Return the answer with ``pads`` instead of the problem's padding."""
    fields = windows(padded(input, pads), problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@mutant(
    "Pads both axes of 'same' by the kernel's height.",
    mechanism="axis_shared",
    killed_by=("padding.same.smaller_than_kernel",),
)
def same_by_kernel_height(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    (above, right) = problem.pads
    return with_pads(problem, input, weight, bias, (above, above if padding == "same" else right))


@mutant(
    "Puts the odd row and column of 'same' above and to the left of an even kernel.",
    mechanism="same_padding_side",
    killed_by=("padding.same.even_kernel", "padding.same.smaller_than_kernel"),
)
def same_odd_row_first(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads: Pads = problem.pads
    if padding == "same":
        pads = tuple(side[::-1] for side in pads)
    return with_pads(problem, input, weight, bias, pads)


@mutant(
    "Puts all padding above and to the left if it is 2 or more.",
    mechanism="same_padding_side",
    killed_by=("padding.larger_than_the_input", "padding.list"),
)
def padding_all_on_one_side(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads = tuple((sum(side), 0) if sum(side) >= 4 else side for side in problem.pads)
    return with_pads(problem, input, weight, bias, pads)


@mutant(
    "Ignores the dilation in the padding of 'same'.",
    mechanism="argument_misread",
    killed_by=("padding.same", "padding.same.even_kernel"),
)
def same_ignores_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads = problem.replace(dilation=(1, 1)).pads if padding == "same" else problem.pads
    return with_pads(problem, input, weight, bias, pads)


@mutant(
    "Pads 'same' by kernel // 2 on both sides, so that an even kernel's output is one larger.",
    mechanism="argument_misread",
    killed_by=("padding.same.even_kernel", "padding.same.smaller_than_kernel"),
)
def same_is_half_the_kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding == "same":
        padding = tuple(k // 2 * d for k, d in zip(weight.shape[2:], pair(dilation), strict=True))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Counts the padding in steps of the dilation and cuts the output to the right size.",
    mechanism="argument_misread",
    killed_by=("padding.with_dilation",),
)
def padding_in_steps_of_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if isinstance(padding, str):
        return computed(problem, input, weight, bias)
    pads = tuple((d * first, d * last) for d, (first, last) in zip(problem.dilation, problem.pads, strict=True))
    output = with_pads(problem, input, weight, bias, pads)
    return output[:, :, : problem.output_size[0], : problem.output_size[1]].copy()


@mutant(
    "Drops the padding below and to the right if there is a stride.",
    mechanism="same_padding_side",
    killed_by=("padding.with_stride", "sweep.depthwise"),
)
def strided_padding_at_the_start_alone(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if problem.stride == (1, 1):
        return output
    pads = tuple((side[0], 0) for side in problem.pads)
    try:
        inner = with_pads(problem, input, weight, bias, pads)
    except ValueError:
        return output * 0
    output[...] = 0
    output[:, :, : inner.shape[2], : inner.shape[3]] = inner
    return output


@mutant(
    "Caps the padding at the kernel's extent less one.",
    mechanism="argument_ignored",
    killed_by=("padding.larger_than_the_input",),
)
def padding_clipped_to_kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = np.zeros(problem.output_shape, dtype=input.dtype)
    pads = tuple(tuple(min(p, e - 1) for p in side) for side, e in zip(problem.pads, problem.extent, strict=True))
    inner = with_pads(problem, input, weight, None, pads)
    output[:, :, : inner.shape[2], : inner.shape[3]] = inner[:, :, : output.shape[2], : output.shape[3]]
    return output if bias is None else output + bias[:, None, None]


@mutant(
    "Adds one to outputs in the width's padding beyond four times the height's.",
    mechanism="argument_ignored",
    killed_by=("padding.one_axis_far_larger", "sweep.kernel.columns"),
)
def lopsided_padding_cut(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    ((top, _), (left, _)) = problem.pads
    output = computed(problem, input, weight, bias)
    if isinstance(padding, str) or left <= 4 * max(1, top):
        return output
    output[..., : (left - 4 * max(1, top)) // problem.stride[1]] += 1
    return output


@mutant(
    "Repeats the edge instead of zeros if the padding is 2 or more.",
    mechanism="padding_value",
    killed_by=("padding.larger_than_the_input",),
)
def wide_padding_repeats_edge(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if max(max(side) for side in problem.pads) < 2 or 0 in input.shape:
        return computed(problem, input, weight, bias)
    room = np.pad(input, ((0, 0), (0, 0), *problem.pads), mode="edge")
    fields = windows(room, problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@mutant(
    "Repeats the image periodically in padding wider than the image.",
    mechanism="padding_value",
    killed_by=("padding.larger_than_the_input", "sweep.padding", "sweep.width"),
)
def padding_beyond_image_wraps(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.pads[1][0] < problem.width or 0 in input.shape:
        return computed(problem, input, weight, bias)
    room = np.pad(padded(input, (problem.pads[0], (0, 0))), ((0, 0), (0, 0), (0, 0), problem.pads[1]), mode="wrap")
    fields = windows(room, problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@mutant("Treats 'valid' as 'same'.", mechanism="argument_misread", killed_by=("padding.valid",))
def valid_is_same(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding == "valid" and pair(stride) == (1, 1):
        padding = "same"
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Writes the interior of the padded input with a [p:-p] slice, which is empty for padding 0.",
    mechanism="refuses_valid",
    killed_by=("padding.with_stride",),
)
def padding_zero_is_an_empty_slice(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    (top, bottom), (left, right) = problem.pads
    n, c, h, w = input.shape
    room = np.zeros((n, c, h + top + bottom, w + left + right), dtype=input.dtype)
    room[:, :, top:-bottom, left:-right] = input
    fields = windows(room, problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)
