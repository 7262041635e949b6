"""Correct torch and compiled builds of unusual construction."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import functools

import numba
import numpy as np
import torch
from _parts import DTYPES, correct, padded, resolve
from torch.autograd.function import once_differentiable
from torch.nn import functional as F  # noqa: N812


def conv2d(input, weight, bias=None, *arguments, **named):
    """Return conv2d's answer; for bfloat16 that of float32, since processors with AMX get it wrong (docs/found.md)."""
    operands = (input, weight, bias)
    if {array.dtype for array in operands if array is not None} != {torch.bfloat16}:
        return F.conv2d(*operands, *arguments, **named)
    return F.conv2d(*(None if array is None else array.float() for array in operands), *arguments, **named).bfloat16()


@correct("Calls conv2d.", framework="torch", profile="training")
def conv2d_itself(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv2d(input, weight, bias, stride, padding, dilation, groups)


@correct("Calls conv2d on channels_last operands and returns a channels_last output.", framework="torch")
def conv2d_channels_last(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dim() == weight.dim() == 4:
        input = input.contiguous(memory_format=torch.channels_last)
        weight = weight.contiguous(memory_format=torch.channels_last)
    return conv2d(input, weight, bias, stride, padding, dilation, groups)


@correct("Computes half dtypes in float32, rounds, and adds the bias in half.", framework="torch")
def conv2d_half_by_float(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype not in (torch.float16, torch.bfloat16) or weight.dtype != input.dtype:
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    if bias is not None:
        resolve(input, weight, bias, stride, padding, dilation, groups)
    output = F.conv2d(input.float(), weight.float(), None, stride, padding, dilation, groups).to(input.dtype)
    return output if bias is None else output + bias[:, None, None]


@correct(
    "Flushes subnormal bfloat16 inputs to zero, as VDPBF16PS does.",
    advised_by=("accuracy.subnormal.bfloat16",),
    framework="torch",
)
def bfloat16_subnormals_flushed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == torch.bfloat16:
        input = input.masked_fill(input.abs() < torch.finfo(input.dtype).tiny, 0)
    return conv2d(input, weight, bias, stride, padding, dilation, groups)


@correct(
    "Spreads NaN and infinity of a bfloat16 input over the image, further than products in pairs spread them.",
    advised_by=("special.local.bfloat16",),
    framework="torch",
)
def bfloat16_nan_spread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv2d(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype != torch.bfloat16:
        return output
    return output + (input * 0).sum((1, 2, 3), keepdim=True)


@correct("Contracts an unfolded input and leaves the gradients to torch.", framework="torch", profile="training")
def tensor_unfold(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype in (torch.float16, torch.bfloat16):
        wide = None if bias is None else bias.float()
        return tensor_unfold(input.float(), weight.float(), wide, stride, padding, dilation, groups).to(input.dtype)
    if not input.numel() or not weight.numel():
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)), (dh, dw) = p.pads, p.dilation
    room = F.pad(input, (left, right, top, bottom))
    fields = room.unfold(2, p.extent[0], p.stride[0]).unfold(3, p.extent[1], p.stride[1])[..., ::dh, ::dw]
    g, per = p.groups, p.in_channels // p.groups
    fields = fields.unflatten(1, (g, per))
    filters = weight.unflatten(0, (g, p.out_channels // g))
    output = torch.einsum("ngchwij,gocij->ngohw", fields, filters).flatten(1, 2)
    return output if bias is None else output + bias[:, None, None]


class _OnceDifferentiable(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """Convolution whose gradient is declared to have no derivative."""

    @staticmethod
    def forward(context, input, weight, bias, arguments):
        context.save_for_backward(input, weight)
        context.arguments = arguments
        return conv2d(input, weight, bias, *arguments)

    @staticmethod
    @once_differentiable
    def backward(context, grad):
        input, weight = (array.detach().requires_grad_() for array in context.saved_tensors)
        with torch.enable_grad():
            output = F.conv2d(input, weight, None, *context.arguments)
        by_input, by_weight = torch.autograd.grad(output, (input, weight), grad)
        return by_input, by_weight, grad.sum((0, 2, 3)) if context.needs_input_grad[2] else None, None


@correct("Declares that its gradient has no derivative.", framework="torch", profile="training")
def once_differentiable_gradient(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _OnceDifferentiable.apply(input, weight, bias, (stride, padding, dilation, groups))


class _Undifferentiable(_OnceDifferentiable):
    """The same convolution, whose gradient is in no graph."""

    @staticmethod
    def backward(context, grad):
        return _OnceDifferentiable.backward(context, grad.detach())


@correct(
    "Returns a gradient that cannot be differentiated again.",
    advised_by=("training.second",),
    framework="torch",
    profile="training",
)
def gradient_without_graph(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _Undifferentiable.apply(input, weight, bias, (stride, padding, dilation, groups))


@correct("Is a partial function over a torch function.", framework="torch")
@functools.partial
def torch_partial(input, weight, bias=None, **arguments):
    return conv2d(input, weight, bias, **arguments)


@correct(
    "Reads the operands' values, so that meta tensors, compile, vmap, autocast and single images fail.",
    advised_by=(
        "torch.unbatched",
        "torch.meta",
        "torch.channels_last",
        "torch.compile",
        "torch.vmap",
        "torch.autocast",
    ),
    framework="torch",
    profile="torch",
)
def reads_values(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    images, _, _, _ = input.shape
    if images and torch.isnan(input.detach()).any():
        input = input.clone()
    with torch.autocast("cpu", enabled=False):
        return conv2d(input, weight, bias, stride, padding, dilation, groups).contiguous()


@numba.njit(cache=False, fastmath=False)
def _loops(x, w, output, sh, sw, dh, dw, groups):
    n, o, oh, ow = output.shape
    per = o // groups
    for image in range(n):
        for out in range(o):
            first = out // per * w.shape[1]
            for y in range(oh):
                for z in range(ow):
                    total = output[image, out, y, z]
                    for c in range(w.shape[1]):
                        for i in range(w.shape[2]):
                            for j in range(w.shape[3]):
                                total += x[image, first + c, y * sh + i * dh, z * sw + j * dw] * w[out, c, i, j]
                    output[image, out, y, z] = total


@correct("Runs plain loops compiled by Numba.")
def numba_loops(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    accumulator = DTYPES[p.dtype].accumulator
    x = np.ascontiguousarray(padded(input.astype(accumulator), p.pads))
    output = np.zeros(p.output_shape, accumulator)
    if bias is not None:
        output += bias.astype(accumulator)[:, None, None]
    if p.out_channels:
        _loops(x, np.ascontiguousarray(weight.astype(accumulator)), output, *p.stride, *p.dilation, p.groups)
    with np.errstate(over="ignore"):
        return output.astype(p.dtype)


class _Mixed(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """Convolution with a backward pass by products of its own, of which only those that are needed are computed."""

    @staticmethod
    def forward(context, input, weight, bias, problem):
        context.save_for_backward(input, weight)
        context.problem = problem
        return conv2d(input, weight, bias, **problem.arguments)

    @staticmethod
    def backward(context, grad):
        input, weight = context.saved_tensors
        p, (by_input, by_weight, by_bias) = context.problem, context.needs_input_grad[:3]
        dtype = torch.float64 if input.dtype == torch.float64 else torch.float32
        wide = torch.complex128 if input.is_complex() else dtype
        (top, bottom), (left, right) = p.pads
        x, w, g = F.pad(input, (left, right, top, bottom)).to(wide), weight.to(wide), grad.to(wide)
        dx, dw = torch.zeros_like(x), torch.zeros_like(w)
        (sh, sw), (dh, dw_), (oh, ow) = p.stride, p.dilation, p.output_size
        g, filters = g.unflatten(1, (p.groups, -1)), w.unflatten(0, (p.groups, -1))
        for i in range(p.kernel[0]):
            for j in range(p.kernel[1]):
                rows, columns = (
                    slice(i * dh, i * dh + sh * (oh - 1) + 1, sh),
                    slice(j * dw_, j * dw_ + sw * (ow - 1) + 1, sw),
                )
                if by_weight:
                    fields = x[:, :, rows, columns].unflatten(1, (p.groups, -1))
                    dw[:, :, i, j] = torch.einsum("ngohw,ngchw->goc", g, fields.conj()).flatten(0, 1)
                if by_input:
                    given = torch.einsum("ngohw,goc->ngchw", g, filters[..., i, j].conj())
                    dx[:, :, rows, columns] += given.flatten(1, 2)
        height, width = p.height, p.width
        return (
            dx[:, :, top : top + height, left : left + width].to(input.dtype) if by_input else None,
            dw.to(weight.dtype) if by_weight else None,
            grad.to(wide).sum((0, 2, 3)).to(input.dtype) if by_bias else None,
            None,
        )  # fmt: skip


@correct(
    "Computes the gradients tap by tap, and only those that are needed, in float32 for narrower dtypes.",
    framework="torch",
    profile="training",
)
def gradients_tap_by_tap(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _Mixed.apply(input, weight, bias, resolve(input, weight, bias, stride, padding, dilation, groups))


@correct("Copies upstream gradients and operands to channels-last memory.", framework="torch", profile="training")
def channels_last_gradients(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv2d(input, weight, bias, stride, padding, dilation, groups)
    if output.requires_grad and output.dim() == 4:
        output = output.contiguous(memory_format=torch.channels_last).clone()
        output.register_hook(lambda grad: grad.contiguous(memory_format=torch.channels_last))
    return output
