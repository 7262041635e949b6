"""PyTorch's gradient of a convolution by its input."""

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
    source="https://docs.pytorch.org/docs/stable/nn.functional.html",
)
def torch_conv2d_input(
    input_size: tuple[int, int, int, int],
    weight: torch.Tensor,
    grad_output: torch.Tensor,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> torch.Tensor:
    """Call ``torch.nn.grad.conv2d_input``, which calls the backward pass that autograd calls.

    Cost: N O OH OW K products, as for the output. Workspace: that of the library.
    """
    return torch.nn.grad.conv2d_input(input_size, weight, grad_output, stride, padding, dilation, groups)
