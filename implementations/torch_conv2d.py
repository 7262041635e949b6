"""PyTorch's own convolution, which chooses among the algorithms of its libraries."""

from __future__ import annotations

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size


@implementation(framework="torch", algorithm="library", source="torch.nn.functional.conv2d")
def torch_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Call F.conv2d as it is: the baseline of all comparisons.

    Cost and workspace: its library's; on a CPU oneDNN's direct, Winograd or matrix-product algorithm, which reorders
    input, weight and output into blocks of channels if that is faster.
    """
    return torch.nn.functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
