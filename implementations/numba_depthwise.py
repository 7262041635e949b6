"""Depthwise convolution, one plane at a time, compiled by Numba."""

import threading

import numba
import numpy as np

from convgauge import implementation
from convgauge.arguments import check_input, resolve
from convgauge.dtypes import DTYPES

TAPS = 9  # so many products are added to a sum while it is in a register: all of a 3x3 kernel's
PIXELS = 1024  # sums of about so many pixels are worked on at a time, and stay in a first-level cache
PLANES = 8  # so many planes use one buffer after the other, so that making it does not count

_one_at_a_time = threading.Lock()  # not all of Numba's thread pools may be entered from two threads at once


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
def numba_depthwise(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Depthwise only: each plane is padded in a cache and filtered there, in parallel over the output channels.

    There is no sum over channels, so a matrix product has nothing to reuse; what counts is to read each plane once. It
    is copied into a padded buffer of its thread, split by the stride's phases so that neighbouring outputs read
    neighbouring pixels; the innermost loop runs over pixels and adds 9 products at a time.

    Cost: N O OH (OW + (extent - 1)/stride) KH KW products. Workspace: one padded plane a thread.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, numba_depthwise.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@numba_depthwise.prepare
def prepare(problem, weight, bias):
    if problem.groups != problem.in_channels:
        raise NotImplementedError(f"groups {problem.groups}: only depthwise, groups = {problem.in_channels} channels")
    if 0 in problem.output_shape:
        return lambda _: np.empty(problem.output_shape, problem.dtype)
    accumulator = DTYPES[problem.dtype].accumulator
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    before = (problem.pads[0][0], problem.pads[1][0])
    rows, columns = oh + (problem.extent[0] - 1) // sh, ow + (problem.extent[1] - 1) // sw

    i, j = np.indices(problem.kernel).reshape(2, -1)
    offsets = ((i * dh % sh * sw + j * dw % sw) * rows + i * dh // sh) * columns + j * dw // sw
    filters = weight.astype(accumulator, order="C").reshape(problem.out_channels, -1)
    biases = np.zeros(problem.out_channels, accumulator) if bias is None else bias.astype(accumulator)

    def run(input):
        check_input(problem, input)
        image = np.ascontiguousarray(input, accumulator)
        output = np.empty(problem.output_shape, accumulator)
        with _one_at_a_time:
            _convolve(image, offsets, filters, biases, before, problem.stride, rows, columns, output)
        return output.astype(problem.dtype, copy=False)

    return run


@numba.njit(parallel=True, fastmath={"contract"})
def _convolve(image, offsets, filters, biases, before, stride, rows, columns, output):
    """``output`` (N, O, OH, OW) from ``image`` (N, C, H, W); ``filters`` (O, taps), at ``offsets`` in a laid plane."""
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
                some = sums[: (end - first) * columns]
                _add_products(some, laid[first * columns :], offsets, filters[o], biases[o])
                for y in range(first, end):
                    row, computed = output[n, o, y], sums[(y - first) * columns :]
                    for x in range(width):
                        row[x] = computed[x]


@numba.njit
def _lay(plane, before, stride, rows, columns, laid):
    """The padded plane in ``laid``, by phase of the stride, row and column; what is padding stays zero."""
    height, sh = plane.shape[0], stride[0]
    for phase in range(sh):
        top = max(0, (before[0] - phase + sh - 1) // sh)  # the first row of this phase that is not padding
        y = top * sh + phase - before[0]
        for row in range(top, min(rows, top + (height - y + sh - 1) // sh)):
            runs = laid[(phase * stride[1] * rows + row) * columns :]
            _lay_row(plane[y + (row - top) * sh], before[1], stride[1], runs, rows * columns, columns)


@numba.njit
def _lay_row(source, before, step, runs, apart, columns):
    """One row of pixels in ``runs``, a run of ``columns`` for each phase of the step, ``apart`` elements apart."""
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


@numba.njit(fastmath={"contract"})
def _add_products(sums, plane, offsets, weights, bias):
    """Each sum: the bias and all taps' products; written out, so that the weights are in registers."""
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
