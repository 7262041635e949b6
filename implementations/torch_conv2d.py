"""PyTorch's own convolution, which picks among its libraries' algorithms."""

import torch

from convgauge import implementation


@implementation(framework="torch", algorithm="library", source="torch.nn.functional.conv2d")
def torch_conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """F.conv2d as it is: the call that everything else is compared with.

    Cost and workspace: its library's; on a CPU oneDNN's direct, Winograd or matrix-product algorithm, which reorders
    input, weight and output into blocks of channels where that pays.
    """
    return torch.nn.functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
