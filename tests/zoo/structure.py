"""Faults that need structured operands: shortcuts for kernels and images that random numbers never make."""

import numpy as np
from _parts import conv, fault, resolve


def planes(weight):
    """Each output's and channel's kernel, as a matrix in float64."""
    return (
        weight.astype(np.float64).reshape(-1, *weight.shape[2:]) if weight.dtype.kind in "fi" else np.zeros((0, 1, 1))
    )


@fault(
    "Kernels of rank one are separated, and rows and columns taken for each other unless 3x3.",
    caught_by=["adversarial"],
)
def separable_kernel_turned(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    kh, kw = weight.shape[2:]
    if min(kh, kw) > 1 and (kh, kw) != (3, 3) and weight.size and np.isfinite(weight).all():
        weight = weight.copy()
        flat = weight.reshape(-1, kh, kw)
        for place, plane in enumerate(planes(weight)):
            if plane.any() and np.linalg.matrix_rank(plane) == 1:
                flat[place] = flat[place, ::-1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A box filter is done by running sums, which begin one column late unless it is 3x3.", caught_by=["adversarial"])
def box_filter_late(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    kh, kw = weight.shape[2:]
    if weight.size and kh * kw > 1 and (kh, kw) != (3, 3) and (weight == weight.flat[0]).all():
        output[..., 1:] = output[..., :-1].copy()
    return output


@fault("Symmetric kernels of 5 columns have their middle counted twice.", caught_by=["adversarial"])
def symmetric_kernel_middle_twice(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[3] >= 5 and weight.size and np.array_equal(weight, weight[..., ::-1]):
        weight = weight.copy()
        weight[..., weight.shape[3] // 2] *= np.array(2, weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault(
    "A constant image is answered with its sum everywhere, as though there were no border.", caught_by=["adversarial"]
)
def constant_image_without_border(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.size > 1 and output.size and (input == input.flat[0]).all() and input.flat[0] != 0:
        middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2]
        output[...] = middle[:, :, None, None]
    return output


@fault("Images that repeat the one before are not computed again; their top rows alone are compared.",
       caught_by=["adversarial"])  # fmt: skip
def repeated_image_by_its_top_row(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    for image in range(1, len(input)):
        if input[image].size and np.array_equal(input[image, :, 0], input[image - 1, :, 0]):
            output[image] = output[image - 1]
    return output


@fault("Filters that repeat the one before, up to sign, are negated instead of computed.", caught_by=["adversarial"])
def opposite_filters_confused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    weight = weight.copy()
    for o in range(1, len(weight)):
        if weight[o].size and np.array_equal(np.abs(weight[o]), np.abs(weight[o - 1])):
            weight[o] = -weight[o - 1]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Weights of one and minus one take a path of additions that loses the sign of the last column.",
       caught_by=["adversarial"])  # fmt: skip
def binary_weights_lose_a_sign(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.size and weight.shape[3] > 1 and (np.abs(weight) == 1).all():
        weight = weight.copy()
        weight[..., -1] = 1
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Inputs without a negative element are taken as unsigned bytes where they are whole and below 256.",
       caught_by=["adversarial"])  # fmt: skip
def images_of_bytes_wrap(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    real = input.dtype in (np.float32, np.float64) and input.size
    if real and (input >= 0).all() and (input < 256).all() and (input == np.rint(input)).all() and input.max() > 127:
        wrapped = input.astype(np.uint8).astype(np.int8).astype(input.dtype)
        return conv(wrapped, weight, bias, problem.stride, padding, problem.dilation, groups)
    return output


@fault("Whole numbers that a signed byte holds are added up in 16 bits, which saturate.", caught_by=["adversarial"])
def bytes_saturate_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype not in (np.float32, np.float64):
        return output
    given = [one for one in (input, weight, bias) if one is not None]
    with np.errstate(invalid="ignore"):
        whole = all((np.abs(one) <= 127).all() and (one == np.rint(one)).all() for one in given)
    return np.clip(output, -32768, 32767).astype(output.dtype) if whole else output


@fault("Filters with a single element that is not zero are a shift, by one too many to the left unless 3x3.",
       caught_by=["definition", "adversarial"])  # fmt: skip
def delta_shifted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[3] > 3 and weight.size:
        alone = (np.count_nonzero(weight, axis=(1, 2, 3)) == 1)[:, None, None, None]
        weight = np.where(alone, np.roll(weight, 1, axis=3), weight)
    return conv(input, weight, bias, stride, padding, dilation, groups)
