"""Convolution by a table of the pixels of each output."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem


@implementation(framework="torch", algorithm="indirect", source="Dukhan 2019, The indirect convolution algorithm")
def torch_indirect(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Gather pixels by a table, made once per layer, of the pixel that each kernel element meets at each output.

    Pixels are rows of channels, with one more row of zeros that stands for all padding. For each kernel element the
    table lists one row number per output; those rows are gathered and multiplied by that element's filters, and the
    products added up. All of stride, padding and dilation is in the table.

    Cost: N O OH OW K products in KH KW matrix products of inner size C/G. Workspace: the input with channels innermost,
    the rows gathered for one kernel element, N C OH OW elements, and the table, KH KW OH OW numbers.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return prepare(problem, weight, bias)(input)


@torch_indirect.prepare
def prepare(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with its table computed."""
    n, o, g, per_group = problem.batch, problem.out_channels, problem.groups, problem.in_channels // problem.groups
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    table = _table(problem, weight.device)
    by_tap = weight.to(accumulator).reshape(g, o // g, per_group, problem.kernel[0] * problem.kernel[1])
    filters = by_tap.permute(3, 0, 2, 1).contiguous()  # (taps, G, C/G, O/G)
    offset = None if bias is None else bias.to(accumulator, copy=True)[:, None, None]

    def run(input: Tensor) -> Tensor:
        check_input(problem, input)
        planes = input.to(accumulator).reshape(n, g, per_group, problem.height * problem.width)
        pixels = torch.nn.functional.pad(planes.transpose(2, 3), (0, 0, 0, 1))  # (N, G, pixels and the zeros, C/G)
        total = pixels.new_zeros((n, g, table.shape[1], o // g))
        for tap, numbers in enumerate(table):
            total += pixels.index_select(2, numbers) @ filters[tap]
        output = total.transpose(2, 3).reshape(problem.output_shape)
        return (output if offset is None else output + offset).to(input.dtype)

    return run


def _table(problem: Problem, device: torch.device) -> Tensor:
    """Return the number of each pixel (KH KW, OH OW), counted row by row; H W stands for the padding."""
    (top, _), (left, _) = problem.pads
    (sh, sw), (dh, dw) = problem.stride, problem.dilation

    def positions(outputs: int, stride: int, kernel: int, dilation: int, before: int) -> Tensor:
        """Return positions along one axis of the input (kernel, outputs)."""
        output, element = torch.arange(outputs, device=device), torch.arange(kernel, device=device)
        return output * stride + element[:, None] * dilation - before

    rows = positions(problem.output_size[0], sh, problem.kernel[0], dh, top)[:, None, :, None]
    columns = positions(problem.output_size[1], sw, problem.kernel[1], dw, left)[None, :, None, :]
    inside = (rows >= 0) & (rows < problem.height) & (columns >= 0) & (columns < problem.width)
    table = torch.where(inside, rows * problem.width + columns, problem.height * problem.width)
    return table.reshape(problem.kernel[0] * problem.kernel[1], -1)
