"""Kernels that compute a gradient without autograd, as a user writes them."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np


def _taps(kernel, stride, padding, dilation, size):
    for i, j in np.ndindex(*kernel):
        starts = (i * dilation[0], j * dilation[1])
        yield i, j, tuple(slice(a, a + s * (n - 1) + 1, s) for a, s, n in zip(starts, stride, size, strict=True))


def grad_input(grad_output, weight, input_size, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """Compute the gradient by the input, for one group and arguments that are pairs."""
    n, c, height, width = input_size
    ph, pw = padding
    padded = np.zeros((n, c, height + 2 * ph, width + 2 * pw), np.float64)
    for i, j, window in _taps(weight.shape[2:], stride, padding, dilation, grad_output.shape[2:]):
        padded[(..., *window)] += np.einsum("nohw,oc->nchw", grad_output.astype(float), weight[:, :, i, j])
    return padded[:, :, ph : ph + height, pw : pw + width].astype(grad_output.dtype)


def grad_input_unflipped(grad_output, weight, input_size, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """Compute the gradient by the input with a kernel that is not flipped."""
    return grad_input(grad_output, weight[..., ::-1, ::-1], input_size, stride, padding, dilation)


def grad_input_of_numbers(grad_output, weight, input_size, stride=1, padding=0):
    """Take stride and padding as one number each."""
    if grad_output.dtype != np.float32:
        raise NotImplementedError("float32 alone")
    return grad_input(grad_output, weight, input_size, (1 * stride,) * 2, (padding + 0,) * 2, (1, 1))


def grad_weight(input, grad_output, weight_size, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """Compute the gradient by the weight, for one group and arguments that are pairs."""
    (ph, pw), gradient = padding, np.zeros(weight_size)
    padded = np.pad(input.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    for i, j, window in _taps(weight_size[2:], stride, padding, dilation, grad_output.shape[2:]):
        gradient[:, :, i, j] = np.einsum("nohw,nchw->oc", grad_output, padded[(..., *window)])
    return gradient.astype(input.dtype)


def grad_weight_of_first_image(input, grad_output, weight_size, stride=(1, 1), padding=(0, 0), dilation=(1, 1)):
    """Compute the gradient by the weight of the first image alone."""
    return grad_weight(input[:1], grad_output[:1], weight_size, stride, padding, dilation)
