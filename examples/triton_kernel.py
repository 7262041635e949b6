"""A Triton kernel: each program computes a tile of outputs, as a matrix product over unfolded windows.

    convgauge check examples/triton_kernel.py:conv2d --framework torch --tier quick

Without a GPU, Triton's interpreter runs the kernel on the CPU: set TRITON_INTERPRET=1. The interpreter is slow, so
select a part of the specification (`-k`). This is enough to find a wrong index. On a GPU add `--device cuda`.
"""

import torch
import triton
import triton.language as tl

PIXELS, CHANNELS, TAPS = 32, 16, 16  # sizes of one tile; tl.dot needs at least 16 of each


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compute an implicit matrix product: the windows of the input are gathered as the products are computed."""
    if input.dtype != torch.float32 or input.ndim != 4 or isinstance(padding, str) or groups != 1:
        raise NotImplementedError("float32, batched, numeric padding and one group only")
    input, weight = input.contiguous(), weight.contiguous()
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    if min(sh, sw, dh, dw) < 1 or min(ph, pw) < 0 or input.shape[1] != weight.shape[1]:
        raise ValueError("stride and dilation are positive, padding is not negative, and the channels must agree")
    n, c, h, w = input.shape
    o, _, kh, kw = weight.shape
    oh = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    if min(oh, ow) < 1:
        raise ValueError("the kernel is larger than the padded input")
    output = input.new_empty(n, o, oh, ow)
    grid = (triton.cdiv(n * oh * ow, PIXELS), triton.cdiv(o, CHANNELS))
    sizes = (n, c, h, w, o, kh, kw, oh, ow, sh, sw, ph, pw, dh, dw)
    if output.numel():
        start = input.new_zeros(o) if bias is None else bias.contiguous()
        convolve[grid](input, weight, start, output, *sizes, PIXELS, CHANNELS, TAPS)
    return output


def pair(value):
    """Return (height, width) from a number or a sequence."""
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


@triton.jit
def convolve(
    input, weight, start, output,
    n, c, h, w, o, kh, kw, oh, ow, sh, sw, ph, pw, dh, dw,
    PIXELS: tl.constexpr, CHANNELS: tl.constexpr, TAPS: tl.constexpr,
):  # fmt: skip
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    image, y, x = pixel // (oh * ow), pixel // ow % oh, pixel % ow
    inside = pixel < n * oh * ow
    total = tl.zeros((PIXELS, CHANNELS), tl.float32)
    for first in range(0, c * kh * kw, TAPS):
        tap = first + tl.arange(0, TAPS)
        row = (y * sh - ph)[:, None] + (tap // kw % kh * dh)[None, :]
        column = (x * sw - pw)[:, None] + (tap % kw * dw)[None, :]
        offset = (image[:, None] * c + (tap // (kh * kw))[None, :]) * h * w + row * w + column
        is_read = inside[:, None] & (tap < c * kh * kw)[None, :] & (row >= 0) & (row < h) & (column >= 0) & (column < w)
        windows = tl.load(input + offset, mask=is_read, other=0.0)
        is_weight = (tap < c * kh * kw)[:, None] & (channel < o)[None, :]
        filters = tl.load(weight + channel[None, :] * c * kh * kw + tap[:, None], mask=is_weight, other=0.0)
        total += tl.dot(windows, filters, input_precision="ieee")  # TF32 is less accurate than float32
    total += tl.load(start + channel, mask=channel < o, other=0.0)[None, :]
    offset = (image[:, None] * o + channel[None, :]) * oh * ow + (y * ow + x)[:, None]
    tl.store(output + offset, total, mask=inside[:, None] & (channel < o)[None, :])
