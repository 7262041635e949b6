"""The convolution theorem over the whole image."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem


@implementation(
    framework="torch",
    algorithm="fft",
    dtypes=("float64", "float32", "float16", "bfloat16"),
    source="Mathieu, Henaff and LeCun 2014, Fast training of convolutional networks through FFTs; torch.fft.rfft2",
    declines={"dtype": "real floating dtypes only: the transforms round, and are real-to-complex"},
)
def torch_fft(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Transform the whole padded image, and sum the product of the spectra over the channels.

    Correlation is a product with the conjugate of the kernel's spectrum. The transform is as long as the padded image,
    so the outputs that wrap around are those that are cut off; stride picks from all of stride 1's outputs. A dilated
    kernel is the same kernel with zeros between its elements.

    Cost: O((N C + O C/G + N O) P log P) and N O C/G P complex products for P padded pixels, whatever the kernel's size.
    Workspace: the spectra of input, filters and output, (N C + O C/G + N O) P elements.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, torch_fft.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@torch_fft.prepare
def prepare(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with the spectra of the filters computed."""
    n, g, per_group = problem.batch, problem.groups, problem.in_channels // problem.groups
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    (top, bottom), (left, right) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    rows, columns = _smooth(top + problem.height + bottom), _smooth(left + problem.width + right)
    frequencies = (rows, columns // 2 + 1)
    offset = 0.0 if bias is None else bias.to(accumulator, copy=True)[:, None, None]
    if 0 in problem.input_shape or 0 in problem.output_shape:
        graph = weight[:0].sum()  # 0, from which the weight gets its gradient of zeros
        return lambda image: (image.new_zeros(problem.output_shape) + image[:0].sum() + graph + offset).to(image.dtype)

    filters, weight_scale = _normalised(weight.to(accumulator))
    spaced = filters.new_zeros((*weight.shape[:2], *problem.extent))
    spaced[:, :, ::dh, ::dw] = filters
    spectra = torch.fft.rfft2(spaced, (rows, columns)).conj().reshape(g, -1, per_group, *frequencies)

    def run(input: Tensor) -> Tensor:
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


def _normalised(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return values / s and s, the power of two near the largest magnitude, so that no transform overflows."""
    limit = math.frexp(torch.finfo(values.dtype).max)[1] - 1
    exponent = torch.frexp(values.detach().abs().amax())[1].clamp(-limit, limit)
    unit = values.new_ones(())
    return values * unit.ldexp(-exponent), unit.ldexp(exponent)


def _smooth(shortest: int) -> int:
    """Return the smallest length of at least ``shortest`` without prime factors above 5: its transforms are fast."""
    return next(length for length in itertools.count(shortest) if 30 ** length.bit_length() % length == 0)
