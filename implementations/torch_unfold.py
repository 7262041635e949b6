"""im2col by F.unfold."""

from __future__ import annotations

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, resolve
from convgauge.dtypes import DTYPES


@implementation(
    framework="torch",
    algorithm="im2col",
    dtypes=("float64", "float32", "float16", "bfloat16", "complex64", "complex128"),
    source="torch.nn.functional.unfold",
    declines={"dtype": "integers: F.unfold does not take them"},
)
def torch_unfold(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Multiply the filters by the columns of F.unfold, PyTorch's own im2col.

    `F.unfold` writes each receptive field into a column; the filters, one per row, multiply them. It pads equally on
    both sides, so the row or column that padding='same' adds below or to the right of an even extent is added first.

    Cost: N O OH OW K products in N G matrix products of inner size K = C/G KH KW. Workspace: the columns,
    N C KH KW OH OW elements.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, torch_unfold.declaration.dtypes)
    o, g, k = problem.out_channels, problem.groups, problem.reduction
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    (top, bottom), (left, right) = problem.pads

    if 0 in problem.input_shape or 0 in problem.output_shape:  # F.unfold refuses them
        output = input.new_zeros(problem.output_shape, dtype=accumulator)
        output = output + input[:0].sum() + weight[:0].sum()  # 0, from which both get their gradients of zeros
    else:
        image = input.to(accumulator)
        if (top, left) != (bottom, right):
            image = torch.nn.functional.pad(image, (0, right - left, 0, bottom - top))
        columns = torch.nn.functional.unfold(image, problem.kernel, problem.dilation, (top, left), problem.stride)
        filters = weight.to(accumulator).reshape(g, o // g, k)
        output = (filters @ columns.reshape(problem.batch, g, k, -1)).reshape(problem.output_shape)
    if bias is not None:
        output = output + bias.to(accumulator)[:, None, None]
    return output.to(input.dtype)
