"""Overlap-save: transforms of tiles, in bounded memory."""

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

# Spectra that are processed at a time fill a second-level cache. They are limited to half of the size of input and
# output, and contain at least one strip of one group.
CACHED_BYTES = 2**21
COPIES = 4  # of a strip while it is transformed: itself, its tiles, their spectra, and those of their rows


@implementation(
    framework="torch",
    algorithm="fft-tiled",
    dtypes=("float64", "float32", "float16", "bfloat16"),
    source="Oppenheim and Schafer, Discrete-time signal processing, section 8.7.3 (overlap-save)",
    declines={"dtype": "real floating dtypes only: the transforms round, and are real-to-complex"},
)
def torch_fft_tiled(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Transform overlapping tiles of the image (overlap-save), so that memory stays bounded; for large kernels.

    A tile of T pixels along an axis gives T - extent + 1 outputs; the tile length is the one of least T log T per
    output. If one tile covers the axis, zeros padded behind may wrap around onto those padded in front, so it is
    shorter than the padded image. Some groups and one row of tiles are transformed at a time, a few channels after the
    others, multiplied by the spectra of the filters, transformed back, and written to the output.

    Cost: O((N C + N O) T^2 log T) per tile and N O C/G T^2 complex products. Workspace: the filters' spectra, O C/G T^2
    elements, made once by `prepare`, and those of one row of tiles of one group, C/G elements for each of its pixels.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, torch_fft_tiled.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@torch_fft_tiled.prepare
def prepare(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with the spectra of the filters computed."""
    n, c, o, g = problem.batch, problem.in_channels, problem.out_channels, problem.groups
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    (sh, sw), (dh, dw), ((top, _), (left, _)) = problem.stride, problem.dilation, problem.pads
    offset = None if bias is None else bias.to(accumulator, copy=True)
    if 0 in problem.input_shape or 0 in problem.output_shape:
        nothing = weight[:0].sum().to(accumulator)  # 0, from which the weight gets its gradient of zeros

        def run_empty(image: Tensor) -> Tensor:
            output = image.new_zeros(problem.output_shape, dtype=accumulator) + image[:0].sum() + nothing
            return _biased(output, offset).to(image.dtype)

        return run_empty

    (tile_h, rows, down), (tile_w, columns, across) = (_tiling(problem, axis) for axis in (0, 1))
    smaller, weight_scale = _scales(weight, accumulator)
    spaced = weight.new_zeros((o, c // g, *problem.extent), dtype=accumulator)
    spaced[:, :, ::dh, ::dw] = weight.to(accumulator) * smaller
    spectra = torch.fft.rfft2(spaced, (tile_h, tile_w)).conj().resolve_conj().reshape(g, o // g, c // g, tile_h, -1)

    operands = math.prod(problem.input_shape) + math.prod(problem.output_shape)
    allowed = min(CACHED_BYTES, operands * spaced.element_size() // 2)
    channel_bytes = across * tile_h * tile_w * spaced.element_size()  # of one channel's strip, or of its spectra
    step = max(1, allowed // ((c + o) // g * channel_bytes))
    at_once = max(1, allowed // (COPIES * channel_bytes))

    def transform(image: Tensor, first: int, scale: Tensor) -> Tensor:
        """Return the spectra of row ``first`` of tiles of some channels: (channels, across, tile_h, frequencies)."""
        begin = first * rows * sh - top
        strip = image.new_zeros((image.shape[0], tile_h, (across - 1) * columns * sw + tile_w), dtype=accumulator)
        visible = image[:, max(0, begin) : max(0, begin + tile_h), : max(0, strip.shape[2] - left)]
        target = strip[:, max(0, -begin) :][:, : visible.shape[1], left : left + visible.shape[2]]
        target[...] = visible.to(accumulator) * scale
        return torch.fft.rfft2(strip.unfold(2, tile_w, columns * sw).transpose(1, 2))

    def invert(product: Tensor) -> Tensor:
        """Return the outputs (channels, rows, across columns) of a row of tiles of spectra (channels, across, ...)."""
        full = torch.fft.irfft2(product, (tile_h, tile_w))
        picked = full[:, :, : rows * sh : sh, : columns * sw : sw]
        return picked.transpose(1, 2).reshape(-1, rows, across * columns)

    def convolve(
        image: Tensor, groups: slice, first: int, scales: tuple[Tensor, Tensor, Tensor], result: Tensor
    ) -> None:
        """Write row ``first`` of tiles of some groups to ``result`` (groups, outputs, rows, columns)."""
        transformed = spectra.new_empty((len(image), across, *spectra.shape[3:]))
        for channel in range(0, len(image), at_once):
            transformed[channel : channel + at_once] = transform(image[channel : channel + at_once], first, scales[0])
        transformed = transformed.reshape(-1, c // g, *transformed.shape[1:])
        outputs = max(1, at_once // len(transformed))
        for output in range(0, o // g, outputs):
            part = slice(output, output + outputs)
            product = _product(transformed, spectra[groups, part])
            tiles = invert(product.flatten(0, 1)).reshape(*product.shape[:2], rows, -1)
            result[:, part] = tiles[:, :, : result.shape[2], : result.shape[3]] * scales[1] * scales[2]

    def run(input: Tensor) -> Tensor:
        check_input(problem, input)
        down_scale, scale = _scales(input, accumulator)
        scales = down_scale, torch.minimum(scale, weight_scale), torch.maximum(scale, weight_scale)
        output = input.new_empty(problem.output_shape, dtype=accumulator)
        grouped = output.reshape(n, g, o // g, *problem.output_size)
        for index, group, first in itertools.product(range(n), range(0, g, step), range(down)):
            groups = slice(group, min(g, group + step))
            image = input[index, group * (c // g) : groups.stop * (c // g)]
            result = grouped[index, groups, :, first * rows : (first + 1) * rows]
            convolve(image, groups, first, scales, result)
        return _biased(output, offset).to(input.dtype)

    return run


def _tiling(problem: Problem, axis: int) -> tuple[int, int, int]:
    """Return the length of a tile, its number of outputs and the number of tiles along an axis."""
    size, extent, stride = problem.input_shape[2 + axis], problem.extent[axis], problem.stride[axis]
    before, outputs = problem.pads[axis][0], problem.output_size[axis]
    covered = (outputs - 1) * stride + extent  # from the first padded pixel to the last that an output needs
    behind = max(0, covered - before - size)
    whole = _smooth(max(extent, covered - extent + 1, covered - min(before, behind)))
    candidates = [(whole * math.log2(2 * whole), whole, outputs, 1)]
    length = _smooth(extent + stride - 1)
    while length < whole:
        per_tile = (length - extent) // stride + 1
        tiles = -(-outputs // per_tile)
        candidates.append((tiles * length * math.log2(2 * length), length, per_tile, tiles))
        length = _smooth(length + 1)
    _, length, per_tile, tiles = min(candidates)
    return length, per_tile, tiles


def _product(transformed: Tensor, spectra: Tensor) -> Tensor:
    """Return the products (G, O/G, tiles, *F) of tiles (G, C/G, tiles, *F) and filters (G, O/G, C/G, *F)."""
    if spectra.shape[2] == 1:
        return transformed * spectra
    return torch.einsum("gctyx,gocyx->gotyx", transformed, spectra)


def _biased(output: Tensor, offset: Tensor | None) -> Tensor:
    return output if offset is None else output + offset[:, None, None]


def _scales(values: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return 1 / s and s, the power of two near the largest magnitude; a transform of values / s does not overflow."""
    limit = math.frexp(torch.finfo(dtype).max)[1] - 1
    exponent = torch.frexp(values.detach().abs().amax().to(dtype))[1].clamp(-limit, limit)
    unit = values.new_ones((), dtype=dtype)
    return unit.ldexp(-exponent), unit.ldexp(exponent)


def _smooth(shortest: int) -> int:
    """Return the smallest length of at least ``shortest`` without prime factors above 5: its transforms are fast."""
    return next(length for length in itertools.count(shortest) if 30 ** length.bit_length() % length == 0)
