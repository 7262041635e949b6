"""Sound NumPy convolutions of unusual build: none of them may be accused."""

import contextlib
import functools
import math
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from _parts import DTYPES, computed, contracted, conv, finished, padded, pair, resolve, sound, windows

from convgauge import implementation


def terms(problem, input, weight):
    """The products of every output, (N, O, OH, OW, K), in the accumulator's dtype: for sums in an order of our own."""
    accumulator = DTYPES[problem.dtype].accumulator
    x = padded(input.astype(accumulator), problem.pads)
    fields = windows(x, problem.kernel, problem.stride, problem.dilation)
    n, _, oh, ow = fields.shape[:4]
    parts = []
    for filters, some in zip(np.split(weight.astype(accumulator), problem.groups), np.split(fields, problem.groups, 1)):
        columns = some.transpose(0, 2, 3, 1, 4, 5).reshape(n, 1, oh, ow, problem.reduction)
        parts.append(columns * filters.reshape(1, len(filters), 1, 1, problem.reduction))
    return np.concatenate(parts, axis=1)


def small(problem):
    """Refuse what would take long in these slow ways."""
    if problem.flops > 3_000_000:
        raise NotImplementedError("too large for this slow method")


@sound("The base that the faults are planted in.")
def base(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@sound("Products are added from the last to the first.")
def added_backwards(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    small(problem)
    total = np.zeros(problem.output_shape, DTYPES[problem.dtype].accumulator)
    products = terms(problem, input, weight)
    for k in reversed(range(problem.reduction)):
        total = total + products[..., k]
    return finished(total, bias, problem.dtype)


@sound("Products are added pairwise, as a tree.")
def added_pairwise(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    small(problem)
    products = terms(problem, input, weight)
    while products.shape[-1] > 1:
        if products.shape[-1] % 2:
            products = np.concatenate([products, np.zeros_like(products[..., :1])], axis=-1)
        products = products[..., ::2] + products[..., 1::2]
    total = products[..., 0] if products.shape[-1] else np.zeros(problem.output_shape, products.dtype)
    return finished(total, bias, problem.dtype)


@sound("Products are added with Kahan's compensation.")
def added_by_kahan(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    small(problem)
    if input.dtype.kind == "i" or not all(one is None or np.isfinite(one).all() for one in (input, weight, bias)):
        return computed(problem, input, weight, bias)
    products = terms(problem, input, weight)
    total = np.zeros(problem.output_shape, products.dtype)
    lost = np.zeros_like(total)
    with np.errstate(all="ignore"):
        for k in range(problem.reduction):
            y = products[..., k] - lost
            new = total + y
            lost = (new - total) - y
            lost[~np.isfinite(lost)] = 0
            total = new
    return finished(total, bias, problem.dtype)


@sound("Everything is added up in the widest type and rounded once.")
def added_in_double(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype.kind != "f":
        return computed(problem, input, weight, bias)
    wide = "longdouble" if problem.dtype == "float64" else "float64"
    fields = windows(padded(input.astype(wide), problem.pads), problem.kernel, problem.stride, problem.dilation)
    with np.errstate(over="ignore"):
        return finished(contracted(fields, weight.astype(wide), groups), bias, problem.dtype)


@sound("The accumulator begins with the bias.")
def begun_with_the_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    small(problem)
    total = np.zeros(problem.output_shape, DTYPES[problem.dtype].accumulator)
    if bias is not None:
        total += bias[:, None, None]
    products = terms(problem, input, weight)
    for k in range(problem.reduction):
        total += products[..., k]
    return total.astype(problem.dtype)


@sound("Half results are rounded before the bias is added in half.")
def bias_after_rounding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, None, stride, padding, dilation, groups)
    resolve(input, weight, bias, stride, padding, dilation, groups)
    return output if bias is None else output + bias.astype(bias.dtype.newbyteorder("="))[:, None, None]


@sound("The reduction is split into blocks of 32 whose sums are added last.")
def added_in_blocks(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    small(problem)
    products = terms(problem, input, weight)
    total = np.zeros(problem.output_shape, products.dtype)
    for start in range(0, problem.reduction, 32):
        total = total + products[..., start : start + 32].sum(axis=-1)
    return finished(total, bias, problem.dtype)


@sound("Taps in the padding are skipped, never multiplied by zero.")
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


@sound("The output is a transposed view: channels innermost in memory.")
def output_channels_last(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return np.ascontiguousarray(output.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


@sound("The output is in Fortran order.")
def output_in_fortran_order(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.asfortranarray(conv(input, weight, bias, stride, padding, dilation, groups))


@sound("The output is a slice of a larger array, with gaps between its rows.")
def output_with_gaps(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    room = np.empty((n, o, h, w + 5), output.dtype)
    room[..., 2 : 2 + w] = output
    return room[..., 2 : 2 + w]


@sound("The output has negative strides.")
def output_reversed_in_memory(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output[..., ::-1].copy()[..., ::-1]


@sound("The output is a subclass of numpy.ndarray that adds a name and nothing else.")
def output_of_a_subclass(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups).view(_Named)


class _Named(np.ndarray):
    name = "answer"


_workspace = threading.local()


@sound("A workspace is kept between calls, one for each thread; the output is a copy.")
def workspace_kept(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if getattr(_workspace, "room", np.empty(0)).nbytes < output.nbytes:
        _workspace.room = np.empty(output.nbytes, np.uint8)
    room = _workspace.room[: output.nbytes].view(output.dtype).reshape(output.shape)
    room[...] = output
    return room.copy()


@functools.lru_cache(maxsize=256)
def _plan(problem):
    """What depends on the parameters alone."""
    return problem.pads, problem.kernel, problem.stride, problem.dilation, problem.groups


@sound("Plans are remembered by all the parameters that they depend on.")
def plans_remembered(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    pads, kernel, step, spread, count = _plan(problem)
    accumulator = DTYPES[problem.dtype].accumulator
    fields = windows(padded(input.astype(accumulator), pads), kernel, step, spread)
    return finished(contracted(fields, weight.astype(accumulator), count), bias, problem.dtype)


_packed = {}


@sound("Packed weights are remembered by their content.")
def weights_remembered_by_content(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = (weight.tobytes(), weight.shape, weight.dtype.str)
    if len(_packed) > 500:
        _packed.clear()
    return conv(input, _packed.setdefault(key, weight.copy()), bias, stride, padding, dilation, groups)


@sound("Images are computed on four threads.")
def images_on_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if len(input) < 2:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(lambda image: conv(image[None], weight, bias, stride, padding, dilation, groups), input)
        return np.concatenate(list(parts))


@sound("Much is declined: dilation, groups, words, other dtypes than float32, empty operands.")
def declines_much(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.dilation != (1, 1) or problem.groups > 1 or isinstance(padding, str) or problem.dtype != "float32":
        raise NotImplementedError("dense float32 convolutions only")
    if 0 in input.shape or 0 in weight.shape or not input.flags.c_contiguous or not weight.flags.c_contiguous:
        raise NotImplementedError("contiguous operands with elements only")
    return computed(problem, input, weight, bias)


@sound("Calls that are an error are refused with exceptions of its own.")
def refuses_in_its_own_way(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class KernelError(ArithmeticError):
        pass

    try:
        problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    except (ValueError, TypeError) as error:
        raise KernelError("bad call") from error
    return computed(problem, input, weight, bias)


@sound("Calls that are an error fail an assertion.")
def refuses_by_assertion(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    except NotImplementedError:
        raise
    except (ValueError, TypeError):
        problem = None
    assert problem is not None
    return computed(problem, input, weight, bias)


@sound("Arguments after the bias are keywords only.", noted_by=["arguments.by_position"])
def keywords_only(input, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@sound("Arguments after the operands are collected as keywords.")
def collected_keywords(*operands, **arguments):
    return conv(*operands, **arguments)


@sound("The function takes arguments of its own after the usual ones.")
def more_arguments(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, tile=8, out=None):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@sound("Operands are positional only and have other names.", noted_by=["arguments.by_keyword"])
def other_names(x, k, b=None, /, stride=1, padding=0, dilation=1, groups=1):
    return conv(x, k, b, stride, padding, dilation, groups)


@sound("Something is printed and a warning given at every call.")
def talkative(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    print("convolving", input.shape, weight.shape)
    print("on standard error", file=sys.stderr)
    warnings.warn("this kernel is talkative", UserWarning, stacklevel=2)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@sound("Standard output is flooded: a megabyte now and then.")
def floods(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[0] == 2:
        print("x" * (1 << 20))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@sound("Error state and warnings are changed during the call and put back.")
def puts_back_what_it_changes(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    with np.errstate(all="ignore"), contextlib.suppress(ZeroDivisionError):
        return conv(input, weight, bias, stride, padding, dilation, groups)


@sound("Windows by stride tricks and one matrix product a group.")
def im2col_by_strides(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    accumulator = DTYPES[problem.dtype].accumulator
    x = padded(input.astype(accumulator), problem.pads)
    fields = windows(x, problem.kernel, problem.stride, problem.dilation)
    (oh, ow), k = problem.output_size, problem.reduction
    columns = fields.transpose(0, 1, 4, 5, 2, 3).reshape(problem.batch, problem.groups, k, oh * ow)
    filters = weight.astype(accumulator).reshape(problem.groups, problem.out_channels // problem.groups, k)
    return finished((filters @ columns).reshape(problem.output_shape), bias, problem.dtype)


@sound("The dense answer is computed and thinned by the stride.")
def dense_then_thinned(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    (sh, sw) = problem.stride
    return computed(problem.replace(stride=(1, 1)), input, weight, bias)[:, :, ::sh, ::sw]


@sound("A dilated kernel is written out with zeros between its elements.")
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


@sound("Groups are written out as one block-diagonal weight.")
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


@sound("A declared FFT: normwise accurate, and NaN spreads.")
@implementation(framework="numpy", algorithm="fft")
def fft_declared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Circular correlation in the frequency domain."""
    return by_fft(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias)


@sound("An FFT that declares nothing.")
def fft_undeclared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_fft(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias)


def by_fft(problem, input, weight, bias):
    """The answer by real FFTs of the padded size, in the accumulator's precision."""
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


def by_winograd(problem, input, weight, bias, tile):
    """F(tile x tile, 3x3) for dense 3x3 kernels of stride 1, the base for all others (Lavin and Gray 2015)."""
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


@sound("A declared Winograd F(2x2, 3x3).")
@implementation(framework="numpy", algorithm="winograd")
def winograd_two(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Minimal filtering with tiles of 2 x 2."""
    return by_winograd(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias, 2)


@sound("A declared Winograd F(4x4, 3x3).")
@implementation(framework="numpy", algorithm="winograd")
def winograd_four(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Minimal filtering with tiles of 4 x 4."""
    return by_winograd(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias, 4)


@sound("A Winograd F(2x2, 3x3) that declares nothing.")
def winograd_undeclared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_winograd(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias, 2)


@sound("One level of Strassen's product over im2col, for dense float operands.")
@implementation(framework="numpy", algorithm="strassen")
def strassen_one_level(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Seven half-sized products in place of eight."""
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
        one, two, three = (a11 + a22) @ (b11 + b22), (a21 + a22) @ b11, a11 @ (b12 - b22)
        four, five = a22 @ (b21 - b11), (a11 + a12) @ b22
        six, seven = (a21 - a11) @ (b11 + b12), (a12 - a22) @ (b21 + b22)
        whole = np.block([[one + four - five + seven, three + five], [two + four, one - two + three + six]])
    output = whole[:m, :n].reshape(m, problem.batch, *problem.output_size).swapaxes(0, 1)
    return finished(output, bias, problem.dtype)


@sound("The answer is promised in a lower precision: operands rounded to ten bits, as TF32 has it.")
@implementation(framework="numpy", algorithm="direct", grade="C", dtypes=("float32",))
def tf32_declared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Operands rounded to TF32."""
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype != np.float32:
        raise NotImplementedError("float32 only")

    def rounded(values):
        native = np.ascontiguousarray(values, dtype=np.float32)
        bits = (native.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
        return np.where(np.isfinite(native), bits.view(np.float32), native)

    return computed(problem, rounded(input), rounded(weight), bias)


@sound("Products are accumulated by correctly rounded sums: more accurate than asked.")
def correctly_rounded(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    finite = all(one is None or np.isfinite(one).all() for one in (input, weight, bias))
    if problem.flops > 30_000 or input.dtype not in (np.float32, np.float16) or not finite:
        return computed(problem, input, weight, bias)
    products = terms(problem, input.astype("f8").astype(problem.dtype), weight).astype("f8")
    products = terms(problem.replace(dtype="float64"), input.astype("f8"), weight.astype("f8"))
    add = np.zeros(problem.out_channels) if bias is None else bias.astype("f8")
    total = np.empty(problem.output_shape)
    for place in np.ndindex(*problem.output_shape):
        total[place] = math.fsum([*products[place].tolist(), float(add[place[1]])])
    with np.errstate(over="ignore"):
        return total.astype(problem.dtype)


@sound("A callable object.")
class callable_object:  # noqa: N801
    def __init__(self, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        raise TypeError("never made: the name stands for an instance")


class _Callable:
    def __call__(self, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        return conv(input, weight, bias, stride, padding, dilation, groups)


callable_object = _Callable()  # noqa: F811


@sound("A partial function.")
def partial_function(*_):
    raise TypeError("never called: the name stands for a partial function")


def _with_tile(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, tile=4):
    return conv(input, weight, bias, stride, padding, dilation, groups)


partial_function = functools.partial(_with_tile, tile=8)  # noqa: F811


@sound("Pairs are taken by pair() without a look at them, and everything else is left to NumPy to refuse.")
@implementation(framework="numpy", algorithm="direct", declines={"errors": "arguments are not checked"})
def declines_bad_arguments(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Declines what is an error."""
    try:
        problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    except (ValueError, TypeError) as error:
        raise NotImplementedError(str(error)) from None
    assert isinstance(padding, str) or len(pair(padding)) >= 1
    return computed(problem, input, weight, bias)


@sound("Grade B is promised and A kept.", noted_by=["accuracy.contract"])
@implementation(framework="numpy", algorithm="direct", grade="B")
def promises_little(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)
