"""Launcher of a Triton kernel, as it behaves on a machine without a GPU."""

import torch


class _Launcher:
    """Compiled kernel; needs an active driver."""

    def __getitem__(self, grid):
        if not torch.cuda.is_available():
            raise RuntimeError("0 active drivers ([]). There should only be one.")
        return self._run

    def _run(self, x, w, b, y, stride, padding, dilation):
        y.copy_(torch.nn.functional.conv2d(x.double(), w.double(), b, stride, padding, dilation))


conv_kernel = _Launcher()


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert groups == 1 and not isinstance(padding, str)
    stride = (stride, stride) if isinstance(stride, int) else stride
    padding = (padding, padding) if isinstance(padding, int) else padding
    dilation = (dilation, dilation) if isinstance(dilation, int) else dilation
    n, _, h, w = input.shape
    o, _, kh, kw = weight.shape
    oh = (h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (w + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    output = torch.empty((n, o, oh, ow), device=input.device, dtype=input.dtype)
    grid = (n * oh * ow + 63) // 64, (o + 31) // 32
    conv_kernel[grid](input, weight, None if bias is None else bias.double(), output, stride, padding, dilation)
    return output
