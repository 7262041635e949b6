"""A table of which pixel goes where."""

import torch

from convgauge import implementation
from convgauge.arguments import check_input, resolve
from convgauge.dtypes import DTYPES


@implementation(framework="torch", algorithm="indirect", source="Dukhan 2019, The indirect convolution algorithm")
def torch_indirect(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """An indirection table, made once a layer, says which pixel each kernel element meets at each output.

    Pixels are rows of channels, with one row of zeros more that stands for all padding. For each kernel element the
    table lists one row number an output; those rows are gathered and multiplied by that element's filters, and the
    products added up. All of stride, padding and dilation is in the table.

    Cost: N O OH OW K products in KH KW matrix products of inner size C/G. Workspace: the input with channels innermost,
    the rows gathered for one kernel element, N C OH OW elements, and the table, KH KW OH OW numbers.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return prepare(problem, weight, bias)(input)


@torch_indirect.prepare
def prepare(problem, weight, bias):
    n, o, g, per_group = problem.batch, problem.out_channels, problem.groups, problem.in_channels // problem.groups
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    table = _table(problem, weight.device)
    by_tap = weight.to(accumulator).reshape(g, o // g, per_group, problem.kernel[0] * problem.kernel[1])
    filters = by_tap.permute(3, 0, 2, 1).contiguous()  # (taps, G, C/G, O/G)
    offset = None if bias is None else bias.to(accumulator, copy=True)[:, None, None]

    def run(input):
        check_input(problem, input)
        planes = input.to(accumulator).reshape(n, g, per_group, problem.height * problem.width)
        pixels = torch.nn.functional.pad(planes.transpose(2, 3), (0, 0, 0, 1))  # (N, G, pixels and the zeros, C/G)
        total = pixels.new_zeros((n, g, table.shape[1], o // g))
        for tap, numbers in enumerate(table):
            total += pixels.index_select(2, numbers) @ filters[tap]
        output = total.transpose(2, 3).reshape(problem.output_shape)
        return (output if offset is None else output + offset).to(input.dtype)

    return run


def _table(problem, device):
    """(KH KW, OH OW): the number of the pixel, counted row by row, or H W for one in the padding."""
    (top, _), (left, _) = problem.pads
    (sh, sw), (dh, dw) = problem.stride, problem.dilation

    def positions(outputs, stride, kernel, dilation, before):
        """(kernel, outputs): where along one axis of the input."""
        output, element = torch.arange(outputs, device=device), torch.arange(kernel, device=device)
        return output * stride + element[:, None] * dilation - before

    rows = positions(problem.output_size[0], sh, problem.kernel[0], dh, top)[:, None, :, None]
    columns = positions(problem.output_size[1], sw, problem.kernel[1], dw, left)[None, :, None, :]
    inside = (rows >= 0) & (rows < problem.height) & (columns >= 0) & (columns < problem.width)
    table = torch.where(inside, rows * problem.width + columns, problem.height * problem.width)
    return table.reshape(problem.kernel[0] * problem.kernel[1], -1)
