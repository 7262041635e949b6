"""Correct NumPy builds by unusual algorithms."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _parts import DTYPES, computed, correct, finished, padded, resolve, windows

from convgauge import implementation


@correct("Skips kernel elements in the padding instead of multiplying by zero.")
def padding_skipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    accumulator = DTYPES[problem.dtype].accumulator
    (top, _), (left, _) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    total = np.zeros(problem.output_shape, accumulator)
    per = problem.out_channels // problem.groups
    channels = problem.in_channels // problem.groups
    x, w = input.astype(accumulator), weight.astype(accumulator)
    for i in range(problem.kernel[0]):
        rows = [y for y in range(oh) if 0 <= y * sh - top + i * dh < problem.height]
        for j in range(problem.kernel[1]):
            columns = [z for z in range(ow) if 0 <= z * sw - left + j * dw < problem.width]
            if not rows or not columns:
                continue
            y, z = rows[0] * sh - top + i * dh, columns[0] * sw - left + j * dw
            field = x[:, :, y : y + (len(rows) - 1) * sh + 1 : sh, z : z + (len(columns) - 1) * sw + 1 : sw]
            for g in range(problem.groups):
                out, into = slice(g * per, (g + 1) * per), slice(g * channels, (g + 1) * channels)
                part = np.einsum("nchw,oc->nohw", field[:, into], w[out, :, i, j])
                total[:, out, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += part
    return finished(total, bias, problem.dtype)


@correct("Builds windows by stride tricks and takes one matrix product per group.")
def im2col_by_strides(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    accumulator = DTYPES[problem.dtype].accumulator
    x = padded(input.astype(accumulator), problem.pads)
    fields = windows(x, problem.kernel, problem.stride, problem.dilation)
    (oh, ow), k = problem.output_size, problem.reduction
    columns = fields.transpose(0, 1, 4, 5, 2, 3).reshape(problem.batch, problem.groups, k, oh * ow)
    filters = weight.astype(accumulator).reshape(problem.groups, problem.out_channels // problem.groups, k)
    return finished((filters @ columns).reshape(problem.output_shape), bias, problem.dtype)


@correct("Computes the dense answer and subsamples it by the stride.")
def dense_then_subsampled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    (sh, sw) = problem.stride
    return computed(problem.replace(stride=(1, 1)), input, weight, bias)[:, :, ::sh, ::sw]


@correct("Writes a dilated kernel out with zeros between its elements.")
def dilation_written_out(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if not np.isfinite(input).all():  # a written-out zero times infinity is NaN
        return computed(problem, input, weight, bias)
    (eh, ew), (dh, dw) = problem.extent, problem.dilation
    stuffed = np.zeros((*weight.shape[:2], eh, ew), weight.dtype)
    stuffed[:, :, ::dh, ::dw] = weight
    (top, bottom), (left, right) = problem.pads
    x = padded(input, ((top, bottom), (left, right)))
    wide = problem.replace(kernel=(eh, ew), dilation=(1, 1), padding=(0, 0), height=x.shape[2], width=x.shape[3])
    return computed(wide, x, stuffed, bias)


@correct("Writes the groups out as one block-diagonal weight.")
def groups_written_out(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if not np.isfinite(input).all() or problem.flops * groups > 20_000_000:
        return computed(problem, input, weight, bias)
    whole = np.zeros((problem.out_channels, problem.in_channels, *problem.kernel), weight.dtype)
    per, channels = problem.out_channels // problem.groups, problem.in_channels // problem.groups
    for g in range(problem.groups):
        rows = slice(g * per, (g + 1) * per)
        whole[rows, g * channels : (g + 1) * channels] = weight[rows]
    return computed(problem.replace(groups=1), input, whole, bias)


def by_fft(problem, input, weight, bias):
    """Compute by real FFTs of the padded size, in the accumulator's precision."""
    if input.dtype.kind != "f" or 0 in input.shape:
        return computed(problem, input, weight, bias)
    accumulator = DTYPES[problem.dtype].accumulator
    x = padded(input.astype(accumulator), problem.pads)
    (eh, ew), (dh, dw), size = problem.extent, problem.dilation, x.shape[2:]
    stuffed = np.zeros((*weight.shape[:2], eh, ew), accumulator)
    stuffed[:, :, ::dh, ::dw] = weight
    groups = problem.groups
    with np.errstate(all="ignore"):
        a = np.fft.rfft2(x).reshape(problem.batch, groups, problem.in_channels // groups, size[0], -1)
        b = np.conj(np.fft.rfft2(stuffed, s=size)).reshape(
            groups, problem.out_channels // groups, problem.in_channels // groups, size[0], -1
        )
        full = np.fft.irfft2(np.einsum("ngcij,gocij->ngoij", a, b), s=size)
    full = full.reshape(problem.batch, problem.out_channels, *size).astype(accumulator)
    (oh, ow), (sh, sw) = problem.output_size, problem.stride
    return finished(full[:, :, : (oh - 1) * sh + 1 : sh, : (ow - 1) * sw + 1 : sw], bias, problem.dtype)


@correct("Declares an FFT, which is accurate normwise and spreads NaN.")
@implementation(framework="numpy", algorithm="fft")
def fft_declared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Correlate circularly in the frequency domain."""
    return by_fft(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias)


@correct("Uses an FFT and declares nothing.")
def fft_undeclared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_fft(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias)


_WINOGRAD = {
    2: (
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: (
        [
            [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
        ],
        [
            [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1],
        ],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}  # fmt: skip


def by_winograd(problem, input, weight, bias, tile):
    """Compute dense 3x3 kernels of stride 1 by F(tile x tile, 3x3), all others by the base (Lavin and Gray 2015)."""
    plain = problem.kernel == (3, 3) and problem.stride == problem.dilation == (1, 1) and problem.groups == 1
    if not plain or input.dtype.kind != "f" or not input.size:
        return computed(problem, input, weight, bias)
    accumulator = DTYPES[problem.dtype].accumulator
    b, g, a = (np.array(matrix, accumulator) for matrix in _WINOGRAD[tile])
    (oh, ow), step = problem.output_size, tile
    tiles = (-(-oh // step), -(-ow // step))
    x = padded(input.astype(accumulator), problem.pads)
    room = np.zeros((*x.shape[:2], tiles[0] * step + 2, tiles[1] * step + 2), accumulator)
    room[:, :, : x.shape[2], : x.shape[3]] = x
    fields = windows(room, (step + 2, step + 2), (step, step), (1, 1))
    with np.errstate(all="ignore"):
        u = np.einsum("ij,ocjk,lk->ocil", g, weight.astype(accumulator), g)
        v = np.einsum("ij,nchwjk,lk->nchwil", b, fields, b)
        y = np.einsum("pi,nohwil,ql->nohpwq", a, np.einsum("ocil,nchwil->nohwil", u, v), a)
    output = y.reshape(problem.batch, problem.out_channels, tiles[0] * step, tiles[1] * step)[:, :, :oh, :ow]
    return finished(output, bias, problem.dtype)


@correct("Declares a Winograd F(2x2, 3x3).")
@implementation(framework="numpy", algorithm="winograd")
def winograd_two(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Filter minimally with tiles of 2 x 2."""
    return by_winograd(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias, 2)


@correct("Declares a Winograd F(4x4, 3x3).")
@implementation(framework="numpy", algorithm="winograd")
def winograd_four(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Filter minimally with tiles of 4 x 4."""
    return by_winograd(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias, 4)


@correct("Uses a Winograd F(2x2, 3x3) and declares nothing.")
def winograd_undeclared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_winograd(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias, 2)


@correct("Takes one level of Strassen's product over im2col for dense float operands.")
@implementation(framework="numpy", algorithm="strassen")
def strassen_one_level(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Multiply by seven half-sized products instead of eight."""
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.groups > 1 or input.dtype.kind != "f" or not input.size or not weight.size:
        return computed(problem, input, weight, bias)
    accumulator = DTYPES[problem.dtype].accumulator
    fields = windows(padded(input.astype(accumulator), problem.pads), problem.kernel, problem.stride, problem.dilation)
    columns = fields.transpose(1, 4, 5, 0, 2, 3).reshape(problem.reduction, -1)
    filters = weight.astype(accumulator).reshape(problem.out_channels, -1)
    (m, k), n = filters.shape, columns.shape[1]
    a = np.pad(filters, ((0, m % 2), (0, k % 2)))
    b = np.pad(columns, ((0, k % 2), (0, n % 2)))
    (a11, a12), (a21, a22) = (np.hsplit(half, 2) for half in np.vsplit(a, 2))
    (b11, b12), (b21, b22) = (np.hsplit(half, 2) for half in np.vsplit(b, 2))
    with np.errstate(all="ignore"):
        m1, m2, m3 = (a11 + a22) @ (b11 + b22), (a21 + a22) @ b11, a11 @ (b12 - b22)
        m4, m5 = a22 @ (b21 - b11), (a11 + a12) @ b22
        m6, m7 = (a21 - a11) @ (b11 + b12), (a12 - a22) @ (b21 + b22)
        whole = np.block([[m1 + m4 - m5 + m7, m3 + m5], [m2 + m4, m1 - m2 + m3 + m6]])
    output = whole[:m, :n].reshape(m, problem.batch, *problem.output_size).swapaxes(0, 1)
    return finished(output, bias, problem.dtype)
