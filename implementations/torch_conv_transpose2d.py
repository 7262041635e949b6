"""Transposed convolution: the gradient of a convolution by its input."""

from __future__ import annotations

import torch

from convgauge import implementation
from convgauge.arguments import Size


@implementation(
    framework="torch",
    algorithm="library",
    direction="grad_input",
    grade="B",  # partial sums are stored in 16 bits: those of each tap, or of each image
    dtypes=("float64", "float32", "bfloat16", "float16"),
    source="Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, chapter 4",
)
def torch_conv_transpose2d(
    input: torch.Tensor,
    weight: torch.Tensor,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: tuple[int, int] = (0, 0),
    groups: int = 1,
    dilation: Size = 1,
) -> torch.Tensor:
    """Call ``F.conv_transpose2d``, whose input is the gradient of the output.

    Rows and columns that no window of the convolution covers are added by ``output_padding``.

    Cost: N O OH OW K products, as for the output. Workspace: that of the library.
    """
    return torch.nn.functional.conv_transpose2d(input, weight, None, stride, padding, output_padding, groups, dilation)
