"""Faults in padding."""

import numpy as np
from _parts import computed, contracted, conv, fault, finished, padded, pair, resolve, windows


def with_pads(problem, input, weight, bias, pads):
    """The answer with other zeros around the input than the problem's."""
    fields = windows(padded(input, pads), problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@fault("A padding pair is read as (width, height).", caught_by=["padding"])
def padding_pair_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, tuple):
        padding = padding[::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The height's padding is used for the width too.", caught_by=["padding"])
def padding_square(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(padding, (tuple, list)):
        padding = padding[0]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The interior is written with a [p:-p] slice, so padding 0 addresses an empty one.", caught_by=["padding"])
def padding_zero_is_an_empty_slice(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    (top, bottom), (left, right) = problem.pads
    n, c, h, w = input.shape
    room = np.zeros((n, c, h + top + bottom, w + left + right), dtype=input.dtype)
    room[:, :, top:-bottom, left:-right] = input
    fields = windows(room, problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@fault("'same' puts the odd row of an even kernel above and to the left.", caught_by=["padding"])
def same_odd_row_first(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads = problem.pads
    if padding == "same":
        pads = tuple(side[::-1] for side in pads)
    return with_pads(problem, input, weight, bias, pads)


@fault("'same' leaves the dilation out of account.", caught_by=["padding"])
def same_ignores_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads = problem.replace(dilation=(1, 1)).pads if padding == "same" else problem.pads
    return with_pads(problem, input, weight, bias, pads)


@fault("'same' pads both axes by the kernel's height.", caught_by=["padding"])
def same_by_kernel_height(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    (above, right) = problem.pads
    return with_pads(problem, input, weight, bias, (above, above if padding == "same" else right))


@fault("'same' takes kernel // 2 on both sides, so that an even kernel's output is one larger.", caught_by=["padding"])
def same_is_half_the_kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding == "same":
        padding = tuple(k // 2 * d for k, d in zip(weight.shape[2:], pair(dilation)))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("'valid' is taken for 'same'.", caught_by=["padding"])
def valid_is_same(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if padding == "valid" and pair(stride) == (1, 1):
        padding = "same"
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Padding is clipped to the kernel's size less one.", caught_by=["padding"])
def padding_clipped_to_kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = np.zeros(problem.output_shape, dtype=input.dtype)
    pads = tuple(tuple(min(p, e - 1) for p in side) for side, e in zip(problem.pads, problem.extent))
    inner = with_pads(problem, input, weight, None, pads)
    output[:, :, : inner.shape[2], : inner.shape[3]] = inner[:, :, : output.shape[2], : output.shape[3]]
    return output if bias is None else output + bias[:, None, None]


@fault("From padding 2 on the border repeats the edge instead of zeros.", caught_by=["padding"])
def wide_padding_repeats_edge(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if max(max(side) for side in problem.pads) < 2 or 0 in input.shape:
        return computed(problem, input, weight, bias)
    room = np.pad(input, ((0, 0), (0, 0), *problem.pads), mode="edge")
    fields = windows(room, problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@fault("Padding wider than the image wraps round to its other side.", caught_by=["padding", "sweep", "covering"])
def padding_beyond_image_wraps(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.pads[1][0] < problem.width or 0 in input.shape:
        return computed(problem, input, weight, bias)
    room = np.pad(padded(input, (problem.pads[0], (0, 0))), ((0, 0), (0, 0), (0, 0), problem.pads[1]), mode="wrap")
    fields = windows(room, problem.kernel, problem.stride, problem.dilation)
    return finished(contracted(fields, weight, problem.groups), bias, problem.dtype)


@fault("A padding of 2 or more is put above and to the left alone, all of it.", caught_by=["padding"])
def padding_all_on_one_side(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads = tuple((sum(side), 0) if sum(side) >= 4 else side for side in problem.pads)
    return with_pads(problem, input, weight, bias, pads)


@fault("Width padding far larger than height padding is cut to 4 times it.", caught_by=["padding", "sweep", "covering"])
def lopsided_padding_cut(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    ((top, _), (left, _)) = problem.pads
    output = computed(problem, input, weight, bias)
    if isinstance(padding, str) or left <= 4 * max(1, top):
        return output
    output[..., : (left - 4 * max(1, top)) // problem.stride[1]] += 1
    return output


@fault(
    "With a stride the padding at the bottom and right is left out.",
    caught_by=["stride", "padding", "sweep", "covering"],
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


@fault("Bias is not added where the receptive field lies in the padding alone.", caught_by=["bias"])
def no_bias_in_the_padding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    if bias is None:
        return output
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    ones = np.ones((1, 1, *input.shape[2:]), dtype=np.float64)
    flat = problem.replace(batch=1, in_channels=1, out_channels=1, groups=1, bias=False, dtype="float64")
    touched = computed(flat, ones, np.ones((1, 1, *problem.kernel)), None) > 0
    return (output + touched * bias[:, None, None]).astype(input.dtype)
