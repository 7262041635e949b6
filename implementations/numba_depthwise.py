"""Depthwise convolution, one plane at a time, compiled by Numba."""

# mypy: disable-error-code="untyped-decorator"
# The decorators of Numba are not typed.

from __future__ import annotations

import threading
from collections.abc import Callable

import llvmlite.binding
import numba
import numpy as np

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES, Array
from convgauge.problem import Pair, Problem

Convolve = Callable[[Array, Array, Array, Array], None]
"""Loops of a layer: ``convolve(image, filters, biases, output)``."""

TAPS = 9  # products that are added to a sum while it is in a register: those of a 3x3 kernel
PIXELS = 1024  # pixels whose sums are computed at a time, and stay in a first-level cache
PLANES = 8  # planes that use one buffer after the other, so that its allocation takes little of the time

# LLVM uses half of an AVX-512 register by default. The setting equals that of numba_direct: Numba caches compiled code
# by settings, which hold for a process, so that the cache is used whichever of the two is loaded first.
_host = llvmlite.binding.get_host_cpu_features()
if _host.get("avx512f") and not numba.config.CPU_FEATURES:
    numba.config.CPU_FEATURES = f"{_host.flatten()},-prefer-256-bit"

_lock = threading.Lock()  # two threads must not enter some of Numba's thread pools at once


@implementation(
    framework="numpy",
    algorithm="direct",
    dtypes=("float64", "float32", "float16"),
    source="Zhang, Lo and Lu 2020, High performance depthwise and pointwise convolutions on mobile devices",
    declines={
        "groups": "depthwise only: as many groups as input channels",
        "dtype": "real floating dtypes only, to keep compilation short",
    },
)
def numba_depthwise(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Pad each plane of a depthwise layer in a cache and filter it there, in parallel over the output channels.

    There is no sum over channels, so a matrix product has nothing to reuse, and the aim is to read each plane once. It
    is copied into a padded buffer of its thread, split by the stride's phases so that neighbouring outputs read
    neighbouring pixels; the innermost loop runs over pixels and adds 9 products at a time.

    Kernels of 3x3 with padding 1 and stride 1 or 2 have specialized loops: rows stay end to end, so that a small plane
    is one run as well, and each sum leaves out the products that would extend over the end of a row.

    Cost: N O OH (OW + (extent - 1)/stride) KH KW products. Workspace: one padded plane per thread.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, numba_depthwise.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@numba_depthwise.prepare
def prepare(problem: Problem, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """Return the convolution of one layer, with the filters laid out for its loops."""
    if problem.groups != problem.in_channels:
        raise NotImplementedError(f"groups {problem.groups}: only depthwise, groups = {problem.in_channels} channels")
    if 0 in problem.output_shape:
        return lambda _: np.empty(problem.output_shape, problem.dtype)
    convolve = _prepare_3x3(problem) if _is_usual(problem) else _prepare_any(problem)
    accumulator = DTYPES[problem.dtype].accumulator
    filters = weight.astype(accumulator, order="C").reshape(problem.out_channels, -1)
    biases = np.zeros(problem.out_channels, accumulator) if bias is None else bias.astype(accumulator)

    def run(input: Array) -> Array:
        check_input(problem, input)
        image = np.ascontiguousarray(input, accumulator)
        output = np.empty(problem.output_shape, accumulator)
        with _lock:
            convolve(image, filters, biases, output)
        return output.astype(problem.dtype, copy=False)

    return run


def _is_usual(problem: Problem) -> bool:
    """Return True for a layer of the 3x3 loops; at stride 2, a row needs as many even as odd pixels."""
    return (problem.kernel, problem.dilation, problem.pads) == ((3, 3), (1, 1), ((1, 1), (1, 1))) and (
        problem.stride == (1, 1) or (problem.stride == (2, 2) and problem.width % 2 == 0)
    )


def _prepare_3x3(problem: Problem) -> Convolve:
    width, planes = problem.output_size[1], problem.batch * problem.out_channels
    column = np.arange(problem.height * width) % width
    has_neighbours = np.array([column > 0, column < width - 1])

    def convolve(image: Array, filters: Array, biases: Array, output: Array) -> None:
        flat = image.reshape(problem.batch * problem.in_channels, -1)
        _convolve_3x3(flat, filters, biases, problem.stride[0], width, has_neighbours, output.reshape(planes, -1))

    return convolve


def _prepare_any(problem: Problem) -> Convolve:
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    before = (problem.pads[0][0], problem.pads[1][0])
    rows, columns = oh + (problem.extent[0] - 1) // sh, ow + (problem.extent[1] - 1) // sw

    i, j = np.indices(problem.kernel).reshape(2, -1)
    offsets = ((i * dh % sh * sw + j * dw % sw) * rows + i * dh // sh) * columns + j * dw // sw

    def convolve(image: Array, filters: Array, biases: Array, output: Array) -> None:
        _convolve(image, offsets, filters, biases, before, problem.stride, rows, columns, output)

    return convolve


@numba.njit(parallel=True, fastmath={"contract"}, cache=True)
def _convolve_3x3(
    image: Array, filters: Array, biases: Array, stride: int, width: int, has_neighbours: Array, output: Array
) -> None:
    """Write ``output`` (N O, OH OW) from ``image`` (N C, H W) and ``filters`` (O, 9); ``width`` is OW.

    A plane begins a row and an element into its buffer, which is zero before and behind it.
    """
    planes = output.shape[0]
    per_channel = max(1, planes // max(1, image.shape[0]))
    for chunk in numba.prange((planes + PLANES - 1) // PLANES):
        laid = np.zeros((stride, image.shape[1] // stride + 2 * width + 2), image.dtype)
        for task in range(np.int64(chunk) * PLANES, min(planes, (np.int64(chunk) + 1) * PLANES)):
            source, channel = task // per_channel, task % biases.size
            if stride == 1:
                _lay_plane(image, source, width, laid[0])
                _filter_plane(laid[0], np.uintp(width), filters, biases, channel, has_neighbours, output, task)
            else:
                _lay_halves(image, source, width, laid[0], laid[1])
                _filter_halves(laid[0], laid[1], np.uintp(width), filters, biases, channel, output, task)


# Indices of the innermost loops are unsigned: a negative one counts from the end in NumPy, and that case keeps LLVM
# from vectorising. Numbers are typed, because an unsigned one and a literal make a float in Numba.
ONE, TWO = np.uintp(1), np.uintp(2)


@numba.njit(cache=True)
def _lay_plane(image: Array, source: int, width: int, laid: Array) -> None:
    start = np.uintp(width + 1)
    for p in range(np.uintp(image.shape[1])):
        laid[start + p] = image[source, p]


@numba.njit(cache=True)
def _lay_halves(image: Array, source: int, width: int, even: Array, odd: Array) -> None:
    """Write the even columns of the plane to one buffer and the odd ones to the other."""
    start = np.uintp(width + 1)
    for p in range(np.uintp(image.shape[1] // 2)):
        even[start + p] = image[source, TWO * p]
        odd[start + p] = image[source, TWO * p + ONE]


@numba.njit(fastmath={"contract"}, cache=True)
def _filter_plane(
    laid: Array,
    width: np.uintp,
    filters: Array,
    biases: Array,
    channel: int,
    has_neighbours: Array,
    output: Array,
    task: int,
) -> None:
    """Filter a plane in one loop. ``has_neighbours`` is True for outputs with a column to the left, or right."""
    w0, w1, w2 = filters[channel, 0], filters[channel, 1], filters[channel, 2]
    w3, w4, w5 = filters[channel, 3], filters[channel, 4], filters[channel, 5]
    w6, w7, w8 = filters[channel, 6], filters[channel, 7], filters[channel, 8]
    bias, none = biases[channel], biases.dtype.type(0)
    for p in range(np.uintp(output.shape[1])):
        q, r = p + width, p + width + width
        left = w0 * laid[p] + w3 * laid[q] + w6 * laid[r]
        middle = w1 * laid[p + ONE] + w4 * laid[q + ONE] + w7 * laid[r + ONE]
        right = w2 * laid[p + TWO] + w5 * laid[q + TWO] + w8 * laid[r + TWO]
        output[task, p] = (
            bias + middle + (left if has_neighbours[0, p] else none) + (right if has_neighbours[1, p] else none)
        )


@numba.njit(fastmath={"contract"}, cache=True)
def _filter_halves(
    even: Array, odd: Array, width: np.uintp, filters: Array, biases: Array, channel: int, output: Array, task: int
) -> None:
    """Filter a plane at stride 2, row by row: an even column is the middle one, the odd one before it the left one."""
    w0, w1, w2 = filters[channel, 0], filters[channel, 1], filters[channel, 2]
    w3, w4, w5 = filters[channel, 3], filters[channel, 4], filters[channel, 5]
    w6, w7, w8 = filters[channel, 6], filters[channel, 7], filters[channel, 8]
    bias, none = biases[channel], biases.dtype.type(0)
    for y in range(np.uintp(output.shape[1]) // width):
        first = y * width
        for x in range(width):
            p = TWO * first + x
            q, r = p + width, p + width + width
            left = w0 * odd[p] + w3 * odd[q] + w6 * odd[r]
            middle = w1 * even[p + ONE] + w4 * even[q + ONE] + w7 * even[r + ONE]
            right = w2 * odd[p + ONE] + w5 * odd[q + ONE] + w8 * odd[r + ONE]
            output[task, first + x] = bias + middle + right + (left if x > 0 else none)


@numba.njit(parallel=True, fastmath={"contract"}, cache=True)
def _convolve(
    image: Array,
    offsets: Array,
    filters: Array,
    biases: Array,
    before: Pair,
    stride: Pair,
    rows: int,
    columns: int,
    output: Array,
) -> None:
    """Write ``output`` (N, O, OH, OW) from ``image`` (N, C, H, W) and ``filters`` (O, taps).

    ``offsets`` are those of the taps in a laid plane.
    """
    batch, outputs, height, width = output.shape
    per_channel = outputs // max(1, image.shape[1])
    at_a_time = max(1, min(height, PIXELS // columns))
    for chunk in numba.prange((batch * outputs + PLANES - 1) // PLANES):
        laid = np.zeros(stride[0] * stride[1] * rows * columns + columns, image.dtype)
        sums = np.empty(at_a_time * columns, image.dtype)
        for task in range(np.int64(chunk) * PLANES, min(batch * outputs, (np.int64(chunk) + 1) * PLANES)):
            n, o = divmod(task, outputs)
            _lay(image[n, o // per_channel], before, stride, rows, columns, laid)
            for first in range(0, height, at_a_time):
                end = min(height, first + at_a_time)
                part = sums[: (end - first) * columns]
                _add_products(part, laid[first * columns :], offsets, filters[o], biases[o])
                for y in range(first, end):
                    row, computed = output[n, o, y], sums[(y - first) * columns :]
                    for x in range(width):
                        row[x] = computed[x]


@numba.njit(cache=True)
def _lay(plane: Array, before: Pair, stride: Pair, rows: int, columns: int, laid: Array) -> None:
    """Write the plane to ``laid`` by phase of the stride, row and column; padding stays zero."""
    height, sh = plane.shape[0], stride[0]
    for phase in range(sh):
        top = max(0, (before[0] - phase + sh - 1) // sh)  # the first row of this phase that is not padding
        y = top * sh + phase - before[0]
        for row in range(top, min(rows, top + (height - y + sh - 1) // sh)):
            runs = laid[(phase * stride[1] * rows + row) * columns :]
            _lay_row(plane[y + (row - top) * sh], before[1], stride[1], runs, rows * columns, columns)


@numba.njit(cache=True)
def _lay_row(source: Array, before: int, step: int, runs: Array, apart: int, columns: int) -> None:
    """Write a row of pixels to ``runs``: for each phase of the step ``columns`` elements, ``apart`` elements apart."""
    if step == 1:
        run = runs[before:]
        for i in range(min(columns - before, source.size)):
            run[i] = source[i]
    elif step == 2:  # both phases in one loop, for which LLVM has shuffles
        even, odd = runs[before % 2 * apart + before // 2 :], runs[(before + 1) % 2 * apart + (before + 1) // 2 :]
        evens, odds = (
            min(columns - before // 2, (source.size + 1) // 2),
            min(columns - (before + 1) // 2, source.size // 2),
        )
        for i in range(min(evens, odds)):
            even[i] = source[2 * i]
            odd[i] = source[2 * i + 1]
        for i in range(odds, evens):
            even[i] = source[2 * i]
        for i in range(evens, odds):
            odd[i] = source[2 * i + 1]
    else:
        for i in range(min(columns * step - before, source.size)):
            runs[(before + i) % step * apart + (before + i) // step] = source[i]


@numba.njit(fastmath={"contract"}, cache=True)
def _add_products(sums: Array, plane: Array, offsets: Array, weights: Array, bias: float) -> None:
    """Set each sum to the bias and the products of all taps; written out, so that the weights are in registers."""
    whole = offsets.size // TAPS * TAPS
    sums[:] = bias
    for k in range(0, whole, TAPS):
        i0, i1, i2 = plane[offsets[k] :], plane[offsets[k + 1] :], plane[offsets[k + 2] :]
        i3, i4, i5 = plane[offsets[k + 3] :], plane[offsets[k + 4] :], plane[offsets[k + 5] :]
        i6, i7, i8 = plane[offsets[k + 6] :], plane[offsets[k + 7] :], plane[offsets[k + 8] :]
        w = weights[k : k + TAPS]
        w0, w1, w2, w3, w4, w5, w6, w7, w8 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
        for p in range(sums.size):
            first = w0 * i0[p] + w1 * i1[p] + w2 * i2[p]
            second = w3 * i3[p] + w4 * i4[p] + w5 * i5[p]
            sums[p] += first + second + (w6 * i6[p] + w7 * i7[p] + w8 * i8[p])
    for k in range(whole, offsets.size):
        run, weight = plane[offsets[k] :], weights[k]
        for p in range(sums.size):
            sums[p] += weight * run[p]
