"""Direct convolution, blocked for registers and caches, compiled by Numba."""

import threading

import llvmlite.binding
import numba
import numpy as np

from convgauge import implementation
from convgauge.arguments import check_input, resolve
from convgauge.dtypes import DTYPES

# A block of sums, 4 outputs by 256 pixels, stays in a first-level cache while all products are added to it.
OUTPUTS = 4
PIXELS = 256
# Pixels are counted up to a multiple of this, so that no loop has a remainder; more sums than asked for do no harm.
LANES = 32
# So many products are added to a sum while it is in a register: with 4 outputs, 32 multiply-adds for 12 loads.
TAPS = 8

# LLVM takes half of an AVX-512 register, since early processors slowed down by whole ones; these are 1.2 times as fast.
_host = llvmlite.binding.get_host_cpu_features()
if _host.get("avx512f") and not numba.config.CPU_FEATURES:
    numba.config.CPU_FEATURES = f"{_host.flatten()},-prefer-256-bit"

_one_at_a_time = threading.Lock()  # not all of Numba's thread pools may be entered from two threads at once


@implementation(
    framework="numpy",
    algorithm="direct",
    dtypes=("float64", "float32", "float16"),
    source="Zhang, Franchetti and Low 2018, High performance zero-memory overhead direct convolutions; numba.prange",
    declines={"dtype": "real floating dtypes only, to keep compilation short"},
)
def numba_direct(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The loops themselves, ordered and blocked so that LLVM vectorises them, in parallel over blocks of the output.

    With the padded rows laid end to end (a stride's phases apart, see numpy_kn2row) every product of the kernel meets a
    contiguous run of pixels, and neighbouring outputs are neighbours in memory: the innermost loop runs over pixels and
    adds 8 products to each of 4 outputs at a time. Columns in which a row runs into the next are left out at the end.

    Cost: N O OH (OW + (extent - 1)/stride) K products, K = C/G KH KW. Workspace: one padded image, and 4 KiB a thread.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, numba_direct.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@numba_direct.prepare
def prepare(problem, weight, bias):
    c, o, g, k = problem.in_channels, problem.out_channels, problem.groups, problem.reduction
    accumulator = DTYPES[problem.dtype].accumulator
    (top, _), (left, _) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    rows, columns = oh + (problem.extent[0] - 1) // sh, ow + (problem.extent[1] - 1) // sw

    channel, i, j = np.indices((c // g, *problem.kernel)).reshape(3, k)
    phase = i * dh % sh * sw + j * dw % sw
    offsets = ((channel * sh * sw + phase) * rows + i * dh // sh) * columns + j * dw // sw
    filters = np.zeros((g, -(-(o // g) // OUTPUTS) * OUTPUTS, k), accumulator)
    filters[:, : o // g] = weight.reshape(g, o // g, k)
    biases = np.zeros(o, accumulator) if bias is None else bias.astype(accumulator)
    size = c // g * sh * sw * rows * columns
    farthest = int(offsets.max(initial=0))
    # where there are no columns to leave out, all rows are one
    (height, width), apart = ((1, oh * ow), oh * ow) if columns == ow else ((oh, ow), columns)

    def lay(image):
        """One image as one run: by channel, phase, row and column; where it has to be copied, with zeros behind."""
        if problem.stride == (1, 1) and problem.pads == ((0, 0), (0, 0)):
            return np.ascontiguousarray(image, accumulator).reshape(-1)
        laid = np.zeros(g * size + LANES, accumulator)
        phases = laid[:-LANES].reshape(c, sh, sw, rows, columns)
        for i, j in np.ndindex(sh, sw):
            y, x = (i - top) % sh, (j - left) % sw  # the first row and column of this phase that are not padding
            seen = image[:, y : max(0, rows * sh - top) : sh, x : max(0, columns * sw - left) : sw]
            first, start = (top + y) // sh, (left + x) // sw
            phases[:, i, j, first : first + seen.shape[1], start : start + seen.shape[2]] = seen
        return laid

    def run(input):
        check_input(problem, input)
        output = np.empty(problem.output_shape, accumulator)
        for image, result in zip(input, output, strict=True):
            with _one_at_a_time:
                _convolve(lay(image), size, offsets, farthest, filters, biases, apart, result.reshape(o, height, width))
        return output.astype(problem.dtype, copy=False)

    return run


@numba.njit(parallel=True, fastmath={"contract"}, cache=True)
def _convolve(image, size, offsets, farthest, filters, biases, columns, output):
    """``output`` (O, height, width) from the laid ``image``, ``size`` a group; ``filters`` (G, O/G rounded up, K)."""
    groups, rounded, _ = filters.shape
    outputs, height, _ = output.shape
    per_group = outputs // groups
    pixel_blocks = (height * columns + PIXELS - 1) // PIXELS
    output_blocks = rounded // OUTPUTS
    for task in numba.prange(groups * pixel_blocks * output_blocks):
        rest, output_block = divmod(np.int64(task), output_blocks)
        group, pixel_block = divmod(rest, pixel_blocks)
        start = pixel_block * PIXELS
        count = min(PIXELS, height * columns - start)
        run = image[group * size + start :]
        sums = np.zeros(OUTPUTS * PIXELS, filters.dtype)
        some = filters[group, output_block * OUTPUTS : (output_block + 1) * OUTPUTS]
        _add_products(sums, min((count + LANES - 1) // LANES * LANES, run.size - farthest), run, offsets, some)
        first = output_block * OUTPUTS
        for one in range(min(OUTPUTS, per_group - first)):
            channel = group * per_group + first + one
            _put(sums[one * PIXELS : one * PIXELS + count], biases[channel], start, columns, output[channel])


@numba.njit(cache=True)
def _put(sums, bias, start, columns, output):
    """The sums of positions ``start`` and on in one channel's output; those past its width are left out."""
    y, x = divmod(start, columns)
    done = 0
    while done < sums.size:
        length = min(sums.size - done, columns - x)
        for i in range(min(length, output.shape[1] - x)):
            output[y, x + i] = sums[done + i] + bias
        done += length
        y, x = y + 1, 0


@numba.njit(fastmath={"contract"}, cache=True)
def _add_products(sums, count, image, offsets, filters):
    """Add each tap's products to ``count`` pixels of 4 outputs; written out, so that weights stay in registers."""
    whole = offsets.size // TAPS * TAPS
    for k in range(0, whole, TAPS):
        i0, i1, i2, i3, i4, i5, i6, i7 = (
            image[offsets[k] :],
            image[offsets[k + 1] :],
            image[offsets[k + 2] :],
            image[offsets[k + 3] :],
            image[offsets[k + 4] :],
            image[offsets[k + 5] :],
            image[offsets[k + 6] :],
            image[offsets[k + 7] :],
        )
        some = filters[:, k : k + TAPS]
        a, b, c, d = some[0], some[1], some[2], some[3]
        a0, a1, a2, a3, a4, a5, a6, a7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
        b0, b1, b2, b3, b4, b5, b6, b7 = b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]
        c0, c1, c2, c3, c4, c5, c6, c7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
        d0, d1, d2, d3, d4, d5, d6, d7 = d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]
        for p in range(count):
            p0, p1, p2, p3, p4, p5, p6, p7 = i0[p], i1[p], i2[p], i3[p], i4[p], i5[p], i6[p], i7[p]
            sums[p] += a0 * p0 + a1 * p1 + a2 * p2 + a3 * p3 + a4 * p4 + a5 * p5 + a6 * p6 + a7 * p7
            sums[PIXELS + p] += b0 * p0 + b1 * p1 + b2 * p2 + b3 * p3 + b4 * p4 + b5 * p5 + b6 * p6 + b7 * p7
            sums[2 * PIXELS + p] += c0 * p0 + c1 * p1 + c2 * p2 + c3 * p3 + c4 * p4 + c5 * p5 + c6 * p6 + c7 * p7
            sums[3 * PIXELS + p] += d0 * p0 + d1 * p1 + d2 * p2 + d3 * p3 + d4 * p4 + d5 * p5 + d6 * p6 + d7 * p7
    for k in range(whole, offsets.size):
        run = image[offsets[k] :]
        a0, b0, c0, d0 = filters[0, k], filters[1, k], filters[2, k], filters[3, k]
        for p in range(count):
            sums[p] += a0 * run[p]
            sums[PIXELS + p] += b0 * run[p]
            sums[2 * PIXELS + p] += c0 * run[p]
            sums[3 * PIXELS + p] += d0 * run[p]
