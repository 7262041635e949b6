"""PyTorch's layer."""

import torch
from torch.func import functional_call

from convgauge import implementation
from convgauge.arguments import check_input, resolve


@implementation(
    framework="torch",
    algorithm="library",
    source="torch.nn.Conv2d",
    declines={"empty": "nn.Conv2d raises on zero output channels or sizes, and gives zero outputs for zero channels"},
)
def torch_module(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """nn.Conv2d, built for the call and lent its weight and bias.

    The module is made on the meta device, where initialising it costs no memory and leaves the random state alone;
    `torch.func.functional_call` runs it with the given parameters, so gradients reach them.

    Cost and workspace: those of torch.nn.functional.conv2d, which the module calls.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return functional_call(*_module(problem, weight, bias), input)


@torch_module.prepare
def prepare(problem, weight, bias):
    module, parameters = _module(problem, weight.clone(), None if bias is None else bias.clone())

    def run(input):
        check_input(problem, input)
        return functional_call(module, parameters, input)

    return run


def _module(problem, weight, bias):
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
