"""Mutants that are wrong only where several parameters meet."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, mutant, resolve


def off_by_one_where(condition, problem, input, weight, bias):
    """Return the correct answer, with one added to its first output if ``condition`` holds."""
    output = computed(problem, input, weight, bias)
    if condition and output.size:
        output.reshape(-1)[0] += np.array(1, output.dtype)
    return output


@mutant(
    "Adds one to the first output if groups, a stride and a dilation are combined.",
    mechanism="combination",
    killed_by=("covering.squares.grouped", "laws.batch", "laws.homogeneous"),
)
def grouped_strided_dilated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    is_wrong = p.groups > 1 and p.stride != (1, 1) and p.dilation != (1, 1)
    return off_by_one_where(is_wrong, p, input, weight, bias)


@mutant(
    "Adds one to the first output if groups and paddings that differ by axis come without a bias.",
    mechanism="combination",
    killed_by=("covering.geometry", "groups.without_bias", "padding.with_groups"),
)
def grouped_unpadded_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    is_wrong = p.groups > 1 and not p.bias and p.pads[0] != p.pads[1]
    return off_by_one_where(is_wrong, p, input, weight, bias)


@mutant(
    "Adds one to the first output if only the width has a stride, only the height a dilation, and the kernel is even.",
    mechanism="combination",
    killed_by=("covering.geometry", "laws.transposed", "stride.with_dilation"),
    tier="standard",
)
def crossed_stride_and_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    is_wrong = p.stride[0] == 1 < p.stride[1] and p.dilation[1] == 1 < p.dilation[0] and p.kernel[0] % 2 == 0
    return off_by_one_where(is_wrong, p, input, weight, bias)


@mutant(
    "Adds one to the first output of depthwise problems with a multiplier, stride 2, no padding and an odd height.",
    mechanism="combination",
    killed_by=("covering.squares.multiplied",),
    tier="standard",
)
def multiplied_strided_unpadded(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    depthwise = p.groups == p.in_channels > 1 and p.out_channels > p.groups
    is_wrong = depthwise and p.stride == (2, 2) and p.pads == ((0, 0), (0, 0)) and p.height % 2 == 1
    return off_by_one_where(is_wrong, p, input, weight, bias)


@mutant(
    "Adds one to the first output in float16 with groups and a channels-last input.",
    mechanism="combination",
    killed_by=("covering.spellings_and_layouts", "layout.channels_last"),
    tier="standard",
)
def half_grouped_channels_last(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    last = input.ndim == 4 and input.strides[1] == input.itemsize and input.shape[1] > 1
    return off_by_one_where(p.dtype == "float16" and p.groups > 1 and last, p, input, weight, bias)


@mutant(
    "Adds one to the first output in float64 with a dilation.",
    mechanism="combination",
    killed_by=("covering.squares.dilated_evenly", "dilation.atrous"),
    tier="standard",
)
def double_dilated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    return off_by_one_where(p.dtype == "float64" and p.dilation != (1, 1), p, input, weight, bias)


@mutant(
    "Adds one to the first output if the kernel is as high as the image and the width has a stride.",
    mechanism="combination",
    killed_by=("covering.squares.large", "sweep.height.kinds"),
    tier="standard",
)
def full_height_strided(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    is_wrong = p.kernel[0] == p.height > 1 and p.stride[1] > 1 and p.output_size[0] == 1
    return off_by_one_where(is_wrong, p, input, weight, bias)


@mutant(
    "Adds one to the first output if 'same' is combined with groups and dilations that differ by axis.",
    mechanism="combination",
    killed_by=("covering.spellings_and_layouts", "padding.same.grouped"),
    tier="standard",
)
def same_grouped_dilated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    is_wrong = padding == "same" and p.groups > 1 and p.dilation[0] != p.dilation[1]
    return off_by_one_where(is_wrong, p, input, weight, bias)


@mutant(
    "Puts the top padding below in 3x3 kernels of stride 2 on even sizes whose paddings differ by axis.",
    mechanism="same_padding_side",
    killed_by=("random.complex",),
    tier="standard",
)
def stem_with_unequal_paddings(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    even = p.height % 2 == p.width % 2 == 0 and p.kernel == (3, 3) and p.stride == (2, 2) and p.dilation == (1, 1)
    (top, _), (left, _) = p.pads
    if even and top != left and top:
        shifted = np.pad(input, ((0, 0), (0, 0), (0, 2 * top), (left, left)))
        return computed(
            p.replace(height=shifted.shape[2], width=shifted.shape[3], padding=(0, 0)), shifted, weight, bias
        )
    return computed(p, input, weight, bias)


@mutant(
    "Adds one to a last tile that is narrower than its 5x5 kernel, in batches of four or more images.",
    mechanism="tile_border",
    killed_by=("sweep.width.kinds",),
    tier="standard",
)
def last_tile_without_halo(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(p, input, weight, bias)
    rest = p.output_size[1] % 32
    if p.kernel == (5, 5) and p.batch >= 4 and p.output_size[1] > 32 and 0 < rest < 5 and p.stride[1] == 1:
        output[..., -rest:] += 1
    return output
