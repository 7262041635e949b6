"""The hand-written layer of textbooks, corrected."""

from __future__ import annotations

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, resolve
from convgauge.dtypes import DTYPES


@implementation(framework="torch", algorithm="im2col", source="torch.Tensor.unfold, torch.bmm")
def torch_unfold_bmm(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Multiply the filters by windows of Tensor.unfold in one batched product: the layer of tutorials, corrected.

    The input is copied into zeros of its own device; two `Tensor.unfold` make every window a view of it (stride is the
    step of the unfolding, dilation a slice of each window); windows become the columns of one matrix per group; `bmm`
    multiplies them by the filters, channels and kernel summed together.

    Cost: N O OH OW K products in G matrix products of inner size K = C/G KH KW. Workspace: the padded input and the
    columns, N C KH KW OH OW elements.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    n, c, o, g, k = problem.batch, problem.in_channels, problem.out_channels, problem.groups, problem.reduction
    accumulator = getattr(torch, DTYPES[problem.dtype].accumulator)
    (top, bottom), (left, right) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size

    padded_size = (top + problem.height + bottom, left + problem.width + right)
    padded = torch.zeros((n, c, *padded_size), dtype=accumulator, device=input.device)
    padded[:, :, top : top + problem.height, left : left + problem.width] = input
    windows = padded.unfold(2, problem.extent[0], sh).unfold(3, problem.extent[1], sw)[..., ::dh, ::dw]
    columns = windows.permute(1, 4, 5, 0, 2, 3).reshape(g, k, n * oh * ow)
    filters = weight.to(accumulator).reshape(g, o // g, k)

    output = torch.bmm(filters, columns).reshape(o, n, oh, ow).transpose(0, 1)
    if bias is not None:
        output = output + bias.to(accumulator)[:, None, None]
    return output.to(input.dtype).contiguous()
