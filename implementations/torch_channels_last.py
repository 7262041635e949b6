"""PyTorch's own convolution on channels-last memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.problem import Problem


@implementation(
    framework="torch",
    algorithm="library",
    source="PyTorch documentation, Channels last memory format in PyTorch",
    declines={"empty": "F.conv2d refuses zero output channels or sizes, and loses the outputs of zero input channels"},
)
def torch_channels_last(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Call F.conv2d with operands and output in channels-last memory (NHWC), as vision models are deployed.

    The operands are brought into that format first, which costs nothing if they are in it already. `prepare` converts
    the weight once.

    Cost: that of torch.nn.functional.conv2d, and a copy of the input. Workspace: the copy.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return prepare(problem, weight, bias)(input)


@torch_channels_last.prepare
def prepare(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with the weight in channels-last memory."""
    if 0 in problem.input_shape[1:] + problem.weight_shape:
        raise NotImplementedError("input or weight without channels or elements: F.conv2d does not take them")
    filters = weight.clone(memory_format=torch.channels_last)
    offset = None if bias is None else bias.clone()

    def run(input: Tensor) -> Tensor:
        check_input(problem, input)
        image = input.contiguous(memory_format=torch.channels_last)
        return torch.nn.functional.conv2d(image, filters, offset, **problem.arguments)

    return run
