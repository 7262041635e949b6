"""Correct builds that compute a gradient without autograd."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _parts import DTYPES, by_weight, conv, correct, pair, problem_of


@correct("Convolves the gradient of the output, with zeros between its elements, with the flipped kernel.")
def input_gradient_by_zero_insertion(dy, w, input_shape, strides=1, pad=0, dilation=1, group=1):
    problem = problem_of(input_shape, w.shape, dy, strides, pad, dilation, group)
    (sh, sw), (eh, ew), (ph, pw) = problem.stride, problem.extent, pair(pad)
    height, width = problem.height + 2 * ph - eh + 1, problem.width + 2 * pw - ew + 1
    spread = np.zeros((*dy.shape[:2], height, width), dy.dtype)
    spread[:, :, : sh * (dy.shape[2] - 1) + 1 : sh, : sw * (dy.shape[3] - 1) + 1 : sw] = dy
    split = w.reshape(group, -1, *w.shape[1:]).swapaxes(1, 2)
    flipped = split.reshape(problem.in_channels, -1, *w.shape[2:])[..., ::-1, ::-1]
    whole = conv(spread, flipped, None, 1, (eh - 1, ew - 1), dilation, group)
    return whole[:, :, ph : ph + problem.height, pw : pw + problem.width]


@correct("A transposed convolution, whose size follows from its output padding.")
def transposed_convolution(input, weight, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    (sh, sw), (ph, pw), (dh, dw), (ah, aw) = map(pair, (stride, padding, dilation, output_padding))
    (n, _, oh, ow), (kh, kw) = input.shape, weight.shape[2:]
    size = ((oh - 1) * sh - 2 * ph + dh * (kh - 1) + 1 + ah, (ow - 1) * sw - 2 * pw + dw * (kw - 1) + 1 + aw)
    return input_gradient_by_zero_insertion(
        input, weight, (n, weight.shape[1] * groups, *size), stride, padding, dilation, groups
    )


@correct("Sums the gradient of the weight image by image, from the last one to the first.")
def weight_gradient_image_by_image(x, grad, weight_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(x.shape, weight_size, grad, stride, padding, dilation, groups)
    total = np.zeros(weight_size, DTYPES[problem.dtype].accumulator)
    of_image = problem.replace(batch=1)
    for image, gradient in zip(x[::-1, None], grad[::-1, None], strict=True):
        total += by_weight(of_image, image, gradient)
    return total.astype(x.dtype)


@correct("The gradient of the weight of one group, whose kernel size alone is an argument.")
def weight_gradient_of_kernel_size(x, grad_output, kernel_size, stride=1, padding=0):
    channels = (grad_output.shape[1], x.shape[1])
    problem = problem_of(x.shape, (*channels, *kernel_size), grad_output, stride, padding, 1, 1)
    return by_weight(problem, x, grad_output).astype(x.dtype)
