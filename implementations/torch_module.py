"""PyTorch's layer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functional_call

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.problem import Problem


@implementation(
    framework="torch",
    algorithm="library",
    source="torch.nn.Conv2d",
    declines={"empty": "nn.Conv2d raises on zero output channels or sizes, and gives zero outputs for zero channels"},
)
def torch_module(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Call an nn.Conv2d that is built for the call, with the weight and bias of the call.

    The module is made on the meta device, where its initialisation costs no memory and leaves the random state as it
    is; `torch.func.functional_call` runs it with the given parameters, so gradients reach them.

    Cost and workspace: those of torch.nn.functional.conv2d, which the module calls.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return functional_call(*_module(problem, weight, bias), input)


@torch_module.prepare
def prepare(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with its module built."""
    module, parameters = _module(problem, weight.clone(), None if bias is None else bias.clone())

    def run(input: Tensor) -> Tensor:
        check_input(problem, input)
        return functional_call(module, parameters, input)

    return run


def _module(problem: Problem, weight: Tensor, bias: Tensor | None) -> tuple[torch.nn.Conv2d, dict[str, Tensor]]:
    if 0 in problem.input_shape[1:] + problem.weight_shape:
        raise NotImplementedError("input or weight without channels or elements: nn.Conv2d does not take them")
    module = torch.nn.Conv2d(
        problem.in_channels,
        problem.out_channels,
        problem.kernel,
        problem.stride,
        problem.padding,
        problem.dilation,
        problem.groups,
        bias=problem.bias,
        device="meta",
        dtype=weight.dtype if weight.is_floating_point() else None,
    )
    return module, {"weight": weight} | ({} if bias is None else {"bias": bias})
