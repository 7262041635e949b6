"""A torch.nn.Module that is built from the arguments of each call.

    convgauge check examples/torch_module.py:conv2d --framework torch --tier quick
    convgauge check examples/torch_module.py:conv2d --framework torch --tier quick --profile training

The module is built on the meta device, where it uses no memory and generates no random numbers. It is then called with
the operands as parameters. `functional_call` keeps their gradients, which the training profile checks.
"""

import torch
from torch.nn import functional


class UnfoldConv2d(torch.nn.Conv2d):
    """Custom layer: windows as columns of a matrix, and one matrix product per group."""

    def forward(self, input):
        if input.ndim != 4 or input.dtype not in (torch.float64, torch.float32):
            raise NotImplementedError("a batch in float32 or float64 only")
        columns = functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)
        columns = columns.reshape(len(input), self.groups, -1, columns.shape[-1])
        filters = self.weight.reshape(self.groups, -1, columns.shape[2])
        extent = self.dilation[0] * (self.kernel_size[0] - 1) + 1
        rows = (input.shape[2] + 2 * self.padding[0] - extent) // self.stride[0] + 1
        output = (filters @ columns).reshape(len(input), self.out_channels, rows, -1)
        return output if self.bias is None else output + self.bias[:, None, None]


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Build the layer from the arguments, and call it with the operands as parameters."""
    if isinstance(padding, str) or 0 in input.shape or 0 in weight.shape:
        raise NotImplementedError("padding by name, and sizes of zero")
    sizes = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "bias": bias is not None}
    outputs, channels, *kernel = weight.shape
    layer = UnfoldConv2d(channels * groups, outputs, kernel, **sizes, device="meta", dtype=weight.dtype)
    parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    return torch.func.functional_call(layer, parameters, (input,))
