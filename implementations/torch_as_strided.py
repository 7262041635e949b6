"""Windows by strides alone."""

from __future__ import annotations

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, resolve
from convgauge.dtypes import DTYPES


@implementation(framework="torch", algorithm="windows", source="torch.as_strided, torch.einsum")
def torch_as_strided(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Contract one strided view of all windows of the padded input with the filters by einsum.

    Moving one output down is moving `stride` rows down in memory, moving one kernel element down is moving `dilation`
    rows: the geometry of a convolution is seven strides. `einsum` then sums over channels and kernel.

    Cost: N O OH OW K products in a matrix product of inner size K = C/G KH KW. Workspace: the padded input and the copy
    that einsum makes of the windows, N C KH KW OH OW elements.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    g, per_group = problem.groups, problem.in_channels // problem.groups
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    (top, bottom), (left, right) = problem.pads
    (sh, sw), (dh, dw) = problem.stride, problem.dilation

    padded = torch.nn.functional.pad(input.to(accumulator), (left, right, top, bottom)).contiguous()
    n, c, h, w = padded.stride()
    windows = padded.as_strided(
        (problem.batch, g, per_group, *problem.output_size, *problem.kernel),
        (n, per_group * c, c, sh * h, sw * w, dh * h, dw * w),
    )
    filters = weight.to(accumulator).reshape(g, problem.out_channels // g, per_group, *problem.kernel)
    output = torch.einsum("ngcyxij,gocij->ngoyx", windows, filters).reshape(problem.output_shape)
    if bias is not None:
        output = output + bias.to(accumulator)[:, None, None]
    return output.to(input.dtype).contiguous()
