"""Winograd's minimal filtering: fewer products for 3x3 kernels."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem

# Transformed tiles that are processed at a time: a second-level cache holds them. With fewer tiles than MIN_TILES, the
# matrix products would read the filters too often.
CACHED_BYTES = 2**20
MIN_TILES = 64

Matrix = list[list[float]]


@implementation(
    framework="torch",
    algorithm="winograd",
    dtypes=("float64", "float32", "float16", "bfloat16"),
    source="Lavin and Gray 2016, Fast algorithms for convolutional neural networks, section 4.1",
    declines={
        "dtype": "real floating dtypes only: the transforms round",
        "kernel": "3x3 kernels only",
        "stride": "stride 1 only",
        "dilation": "dilation 1 only",
    },
)
def torch_winograd_2x3(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Apply Winograd's F(2x2, 3x3): 16 products for 4 outputs of a 3x3 kernel instead of 36.

    Tiles of 4x4 pixels, 2 apart, and the filters are transformed; each of the 16 transformed positions is then a matrix
    product over the channels; a last transform makes 2x2 outputs of the 16 sums. The transforms only add and halve.

    Cost: 4 N O OH OW C/G products (K would be 9 C/G) and the transforms. Workspace: transformed tiles of input and
    output, 4 (N C + N O) OH OW elements; transformed filters, 16 O C/G, made once by `prepare`.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, torch_winograd_2x3.declaration.dtypes)
    return prepare_2x3(problem, weight, bias)(input)


@torch_winograd_2x3.prepare
def prepare_2x3(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with the filters transformed for F(2x2, 3x3)."""
    data: Matrix = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]
    filters: Matrix = [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]]
    inverse: Matrix = [[1, 1, 1, 0], [0, 1, -1, -1]]
    return _prepare(problem, weight, bias, data, filters, inverse)


@implementation(
    framework="torch",
    algorithm="winograd",
    dtypes=("float64", "float32", "float16", "bfloat16"),
    source="Lavin and Gray 2016, Fast algorithms for convolutional neural networks, section 4.3",
    declines={
        "dtype": "real floating dtypes only: the transforms round",
        "kernel": "3x3 kernels only",
        "stride": "stride 1 only",
        "dilation": "dilation 1 only",
    },
)
def torch_winograd_4x3(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Apply Winograd's F(4x4, 3x3): 36 products for 16 outputs of a 3x3 kernel instead of 144.

    Tiles of 6x6 pixels, 4 apart, and the filters are transformed; each of the 36 transformed positions is then a matrix
    product over the channels; a last transform makes 4x4 outputs of the 36 sums. Its transforms multiply by up to 8, so
    rounding errors grow as well: about ten times those of F(2x2, 3x3).

    Cost: 2.25 N O OH OW C/G products (K would be 9 C/G) and the transforms. Workspace: transformed tiles of input and
    output, 2.25 (N C + N O) OH OW elements; transformed filters, 36 O C/G, made once by `prepare`.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, torch_winograd_4x3.declaration.dtypes)
    return prepare_4x3(problem, weight, bias)(input)


@torch_winograd_4x3.prepare
def prepare_4x3(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with the filters transformed for F(4x4, 3x3)."""
    data: Matrix = [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
    filters: Matrix = [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
    inverse: Matrix = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
    return _prepare(problem, weight, bias, data, filters, inverse)


def _prepare(
    problem: Problem,
    weight: Tensor,
    bias: Tensor | None,
    data_transform: Matrix,
    filter_transform: Matrix,
    inverse_transform: Matrix,
) -> Callable[[Tensor], Tensor]:
    """Return the convolution in tiles of m x m outputs from t x t inputs, by B^T (t, t), G (t, 3) and A^T (m, t)."""
    for argument, value, only in (
        ("weight's kernel", problem.kernel, (3, 3)),
        ("stride", problem.stride, (1, 1)),
        ("dilation", problem.dilation, (1, 1)),
    ):
        if value != only:
            raise NotImplementedError(f"{argument} {value}: this algorithm is for {only} only")
    n, c, o, g = problem.batch, problem.in_channels, problem.out_channels, problem.groups
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    (oh, ow), (top, _), (left, _) = problem.output_size, *problem.pads
    m, t = len(inverse_transform), len(data_transform)
    down, across = -(-oh // m), -(-ow // m)
    bottom, right = down * m + 2 - top - problem.height, across * m + 2 - left - problem.width
    to_data = torch.tensor(data_transform, dtype=accumulator, device=weight.device)
    to_output = torch.tensor(inverse_transform, dtype=accumulator, device=weight.device)
    offset = 0.0 if bias is None else bias.to(accumulator, copy=True)[:, None, None]
    if 0 in problem.input_shape or 0 in problem.output_shape:
        graph = weight[:0].sum()  # 0, from which the weight gets its gradient of zeros
        return lambda image: (image.new_zeros(problem.output_shape) + image[:0].sum() + graph + offset).to(image.dtype)

    scaled, weight_scale = _normalised(weight.to(torch.float64))
    to_filters = torch.tensor(filter_transform, dtype=torch.float64, device=weight.device)
    filters = torch.einsum("xi,yj,gocij->xygco", to_filters, to_filters, scaled.reshape(g, o // g, c // g, 3, 3))
    filters = filters.reshape(t * t * g, c // g, o // g).to(accumulator)

    row_bytes = t * t * n * across * max(c, o) * to_data.element_size()
    rows = max(1, CACHED_BYTES // row_bytes, MIN_TILES // across)

    def convolve(strip: Tensor) -> Tensor:
        """Return the outputs (N, rows m, across m, O) of a strip of rows of tiles (N, rows m + 2, across m + 2, C)."""
        tiles = strip.unfold(1, t, m).unfold(2, t, m).permute(4, 5, 0, 1, 2, 3)  # (t, t, N, rows, across, C)
        data = _transform(to_data, tiles).reshape(t * t, -1, g, c // g).transpose(1, 2)
        sums = torch.bmm(data.reshape(t * t * g, -1, c // g), filters).reshape(t * t, g, -1, o // g).transpose(1, 2)
        outputs = _transform(to_output, sums.reshape(t, t, *tiles.shape[2:5], o))
        return outputs.permute(2, 3, 0, 4, 1, 5).reshape(n, -1, across * m, o)

    def run(input: Tensor) -> Tensor:
        check_input(problem, input)
        image, scale = _normalised(input.to(accumulator))
        padded = torch.nn.functional.pad(image.permute(0, 2, 3, 1), (0, 0, left, right, top, bottom))
        strips = [padded[:, y * m : (y + rows) * m + 2] for y in range(0, down, rows)]
        whole = torch.cat([convolve(strip).permute(0, 3, 1, 2) for strip in strips], dim=2)[:, :, :oh, :ow]
        smaller, larger = torch.minimum(scale, weight_scale), torch.maximum(scale, weight_scale)
        return (whole * smaller * larger + offset).to(input.dtype).contiguous()

    return run


def _transform(matrix: Tensor, tiles: Tensor) -> Tensor:
    """Apply ``matrix`` to both of the first two axes of ``tiles``."""
    rows, columns = matrix.shape
    once = (matrix @ tiles.reshape(columns, -1)).reshape(rows, columns, -1)
    return (matrix @ once).reshape(rows, rows, *tiles.shape[2:])


def _normalised(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return values / s and s, the power of two near the largest magnitude, so that no transform overflows."""
    limit = math.frexp(torch.finfo(values.dtype).max)[1] - 1
    exponent = torch.frexp(values.detach().abs().amax())[1].clamp(-limit, limit)
    unit = values.new_ones(())
    return values * unit.ldexp(-exponent), unit.ldexp(exponent)
