"""The convolution theorem over the whole image."""

import itertools
import math

import torch

from convgauge import implementation
from convgauge.arguments import check_input, resolve
from convgauge.dtypes import DTYPES


@implementation(
    framework="torch",
    algorithm="fft",
    dtypes=("float64", "float32", "float16", "bfloat16"),
    source="Mathieu, Henaff and LeCun 2014, Fast training of convolutional networks through FFTs; torch.fft.rfft2",
    declines={"dtype": "real floating dtypes only: the transforms round, and are real-to-complex"},
)
def torch_fft(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """One transform of the whole padded image: convolution as a product of spectra, summed over the channels.

    Correlation is a product with the conjugate of the kernel's spectrum. The transform is as long as the padded image,
    so the outputs that wrap around are those that are cut off; stride picks from all of stride 1's outputs. A dilated
    kernel is the same kernel with zeros between its elements.

    Cost: O((N C + O C/G + N O) P log P) and N O C/G P complex products for P padded pixels, whatever the kernel's size.
    Workspace: the spectra of input, filters and output, (N C + O C/G + N O) P elements.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, torch_fft.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@torch_fft.prepare
def prepare(problem, weight, bias):
    n, g, per_group = problem.batch, problem.groups, problem.in_channels // problem.groups
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    (top, bottom), (left, right) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    rows, columns = _smooth(top + problem.height + bottom), _smooth(left + problem.width + right)
    frequencies = (rows, columns // 2 + 1)
    offset = 0.0 if bias is None else bias.to(accumulator, copy=True)[:, None, None]
    if 0 in problem.input_shape or 0 in problem.output_shape:
        graph = weight[:0].sum()  # 0, and the way by which the weight gets its gradient of zeros
        return lambda image: (image.new_zeros(problem.output_shape) + image[:0].sum() + graph + offset).to(image.dtype)

    filters, weight_scale = _normalised(weight.to(accumulator))
    spaced = filters.new_zeros((*weight.shape[:2], *problem.extent))
    spaced[:, :, ::dh, ::dw] = filters
    spectra = torch.fft.rfft2(spaced, (rows, columns)).conj().reshape(g, -1, per_group, *frequencies)

    def run(input):
        check_input(problem, input)
        image, scale = _normalised(input.to(accumulator))
        padded = image.new_zeros((n, problem.in_channels, rows, columns))
        padded[:, :, top : top + problem.height, left : left + problem.width] = image
        transformed = torch.fft.rfft2(padded).reshape(n, g, per_group, *frequencies)
        product = torch.einsum("ngcyx,gocyx->ngoyx", transformed, spectra)
        full = torch.fft.irfft2(product, (rows, columns)).reshape(n, problem.out_channels, rows, columns)
        picked = full[:, :, : oh * sh : sh, : ow * sw : sw]
        smaller, larger = torch.minimum(scale, weight_scale), torch.maximum(scale, weight_scale)
        return (picked * smaller * larger + offset).to(input.dtype)

    return run


def _normalised(values):
    """(values / s, s), s the power of two near the largest magnitude: then no transform leaves the dtype's range."""
    limit = math.frexp(torch.finfo(values.dtype).max)[1] - 1
    exponent = torch.frexp(values.detach().abs().amax())[1].clamp(-limit, limit)
    one = values.new_ones(())
    return values * one.ldexp(-exponent), one.ldexp(exponent)


def _smooth(least):
    """The smallest length from ``least`` up with no prime factor above 5, for which transforms are fast."""
    return next(length for length in itertools.count(least) if 30 ** length.bit_length() % length == 0)
