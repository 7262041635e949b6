"""The library's own convolution with its filters packed beforehand."""

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
    dtypes=("float32",),
    source="oneDNN documentation, Memory format propagation; PyTorch documentation, torch._inductor.config.freezing",
    declines={
        "dtype": "float32, for which oneDNN has kernels on every processor",
        "device": "oneDNN computes on CPUs",
        "gradients": "the packed call is not differentiated",
        "empty": "oneDNN refuses zero channels, and zero output channels or sizes",
    },
)
def torch_packed(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Call oneDNN with filters in the blocked order that its kernel for the layer reads, as a frozen model does.

    F.conv2d brings filters into that order in each call, which for many filters and a small image takes longer than
    the products. `prepare` does it once. Input and output are in channels-last memory (NHWC), for which oneDNN has
    kernels that it lacks in NCHW: for large depthwise filters, and for large images of few channels.

    Cost: N O OH OW K products, K = C/G KH KW, and a copy of the input. Workspace: the copy.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, torch_packed.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@torch_packed.prepare
def prepare(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with the filters in oneDNN's blocked order."""
    if not torch.backends.mkldnn.is_available():
        raise NotImplementedError("device: this torch was built without oneDNN")
    if weight.device.type != "cpu":
        raise NotImplementedError(f"weight on {weight.device}: oneDNN computes on CPUs")
    if 0 in problem.input_shape[1:] + problem.weight_shape:
        raise NotImplementedError("input or weight without channels or elements: oneDNN does not take them")
    (top, bottom), (left, right) = problem.pads
    even = top == bottom and left == right
    padding = (top, left) if even else (0, 0)  # oneDNN pads equally before and behind; otherwise the image is padded
    size = (problem.height, problem.width) if even else (problem.height + top + bottom, problem.width + left + right)
    arguments = (padding, problem.stride, problem.dilation, problem.groups)
    with torch.no_grad():
        shape = (*problem.input_shape[:2], *size)
        filters = torch._C._nn.mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), *arguments, shape)
        offset = None if bias is None else bias.clone()

    def run(input: Tensor) -> Tensor:
        check_input(problem, input)
        if input.device.type != "cpu":
            raise NotImplementedError(f"input on {input.device}: oneDNN computes on CPUs")
        if torch.is_grad_enabled() and any(
            array is not None and array.requires_grad for array in (input, weight, bias)
        ):
            raise NotImplementedError("input, weight or bias that asks for gradients: the packed call has none")
        image = input if even else torch.nn.functional.pad(input, (left, right, top, bottom))
        return torch.ops.mkldnn._convolution_pointwise(image, filters, offset, *arguments, "none", [], "")

    return run
