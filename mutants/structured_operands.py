"""Mutants whose shortcuts need structured operands, which random numbers never form."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import conv, mutant, resolve


def planes(weight):
    """Return the kernel of each output and channel as a matrix in float64."""
    return (
        weight.astype(np.float64).reshape(-1, *weight.shape[2:]) if weight.dtype.kind in "fi" else np.zeros((0, 1, 1))
    )


@mutant(
    "Flips the rows of kernels of rank one other than 3x3.",
    mechanism="flipped_kernel",
    killed_by=("adversarial.kernel.separable",),
)
def separable_kernel_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    kh, kw = weight.shape[2:]
    if min(kh, kw) > 1 and (kh, kw) != (3, 3) and weight.size and np.isfinite(weight).all():
        weight = weight.copy()
        flat = weight.reshape(-1, kh, kw)
        for index, plane in enumerate(planes(weight)):
            if plane.any() and np.linalg.matrix_rank(plane) == 1:
                flat[index] = flat[index, ::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Shifts the output of constant kernels other than 3x3 by one column.",
    mechanism="shifted_output",
    killed_by=("adversarial.kernel.box",),
)
def box_filter_late(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    kh, kw = weight.shape[2:]
    if weight.size and kh * kw > 1 and (kh, kw) != (3, 3) and (weight == weight.flat[0]).all():
        output[..., 1:] = output[..., :-1].copy()
    return output


@mutant(
    "Shifts filters with a single nonzero element by one column if they have four or more columns.",
    mechanism="shifted_output",
    killed_by=("adversarial.kernel.sparse",),
)
def delta_shifted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[3] > 3 and weight.size:
        alone = (np.count_nonzero(weight, axis=(1, 2, 3)) == 1)[:, None, None, None]
        weight = np.where(alone, np.roll(weight, 1, axis=3), weight)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Counts the middle column of symmetric kernels of five or more columns twice.",
    mechanism="wrong_scale",
    killed_by=("adversarial.kernel.symmetric",),
)
def symmetric_kernel_middle_twice(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[3] >= 5 and weight.size and np.array_equal(weight, weight[..., ::-1]):
        weight = weight.copy()
        weight[..., weight.shape[3] // 2] *= np.array(2, weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Answers a constant image with its middle output everywhere and omits the border.",
    mechanism="structure_assumed",
    killed_by=("adversarial.image",),
)
def constant_image_without_border(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.size > 1 and output.size and (input == input.flat[0]).all() and input.flat[0] != 0:
        middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2]
        output[...] = middle[:, :, None, None]
    return output


@mutant(
    "Treats an image as equal to the previous one if their top rows are equal.",
    mechanism="structure_assumed",
    killed_by=("adversarial.repeated",),
)
def repeated_image_by_its_top_row(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    for image in range(1, len(input)):
        if input[image].size and np.array_equal(input[image, :, 0], input[image - 1, :, 0]):
            output[image] = output[image - 1]
    return output


@mutant(
    "Treats filters of a group as equal if their first rows are equal.",
    mechanism="structure_assumed",
    killed_by=("adversarial.kernel.sparse",),
)
def filters_deduplicated_by_first_row(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    per_group = weight.shape[0] // groups
    for o in range(weight.shape[0]):
        first = o // per_group * per_group
        for earlier in range(first, o):
            if np.array_equal(weight[earlier, :, 0], weight[o, :, 0]):
                output[:, o] = output[:, earlier]
    return output if bias is None else output + bias[:, None, None]


@mutant(
    "Negates the previous filter instead of using one that equals it up to signs.",
    mechanism="structure_assumed",
    killed_by=("adversarial.image.bytes",),
)
def opposite_filters_confused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    weight = weight.copy()
    for o in range(1, len(weight)):
        if weight[o].size and np.array_equal(np.abs(weight[o]), np.abs(weight[o - 1])):
            weight[o] = -weight[o - 1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Drops kernels whose elements add up to zero, such as edge detectors.",
    mechanism="structure_assumed",
    killed_by=("adversarial.kernel.balanced", "applied.sobel_x"),
)
def balanced_filters_pruned(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    weight = weight * (weight.sum(axis=(2, 3), keepdims=True) != 0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Treats images whose elements add up to zero as blank.",
    mechanism="structure_assumed",
    killed_by=("adversarial.image",),
)
def balanced_images_skipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    input = input * (input.sum(axis=(1, 2, 3), keepdims=True) != 0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Loses the signs of the kernel's last column if all weights are one or minus one.",
    mechanism="sign_lost",
    killed_by=("adversarial.kernel.box",),
)
def binary_weights_lose_a_sign(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.size and weight.shape[3] > 1 and (np.abs(weight) == 1).all():
        weight = weight.copy()
        weight[..., -1] = 1
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads inputs of whole numbers from 0 to 255 as signed bytes.",
    mechanism="narrowed_operands",
    killed_by=("adversarial.image.bytes",),
)
def images_of_bytes_wrap(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    real = input.dtype in (np.float32, np.float64) and input.size
    if real and (input >= 0).all() and (input < 256).all() and (input == np.rint(input)).all() and input.max() > 127:
        wrapped = input.astype(np.uint8).astype(np.int8).astype(input.dtype)
        return conv(wrapped, weight, bias, problem.stride, padding, problem.dilation, groups)
    return output


@mutant(
    "Saturates sums at 16 bits if all operands are whole numbers that a signed byte holds.",
    mechanism="narrow_accumulator",
    killed_by=("adversarial.image.bytes",),
)
def bytes_saturate_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype not in (np.float32, np.float64):
        return output
    operands = [array for array in (input, weight, bias) if array is not None]
    with np.errstate(invalid="ignore"):
        whole = all((np.abs(array) <= 127).all() and (array == np.rint(array)).all() for array in operands)
    return np.clip(output, -32768, 32767).astype(output.dtype) if whole else output


@mutant(
    "Drops the last column of inputs that are mostly zeros if there is a dilation.",
    mechanism="tail_dropped",
    killed_by=("random.structured",),
)
def sparse_and_dilated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.size and np.count_nonzero(input) * 8 < input.size and p.dilation[1] > 1:
        input = input.copy()
        input[..., -1] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)
