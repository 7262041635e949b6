"""Direct convolution, blocked for registers and caches, compiled by Numba."""

import threading

import llvmlite.binding
import numba
import numpy as np

from convgauge import implementation
from convgauge.arguments import check_input, resolve
from convgauge.dtypes import DTYPES

# A block of sums, 4 outputs by 384 pixels, stays in a first-level cache while all products are added to it.
OUTPUTS = 4
PIXELS = 384
# Pixels are counted up to a multiple of this, so that no loop has a remainder; more sums than asked for do no harm.
LANES = 32
# So many products are added to a sum while it is in a register: with 4 outputs, 12 multiply-adds for 7 loads and 4
# stores. The 12 weights stay in registers; more would leave none for pixels and sums.
TAPS = 3
# Bytes of a cache line: a vector of sums that lies across two takes twice as long to store.
LINE = 64

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
    adds 3 products to each of 4 outputs at a time. Columns in which a row runs into the next are left out at the end.

    Cost: N O OH (OW + (extent - 1)/stride) K products, K = C/G KH KW. Workspace: one padded image, and 6 KiB a thread.
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
        sums = _aligned_zeros(OUTPUTS * PIXELS, filters)
        some = filters[group, output_block * OUTPUTS : (output_block + 1) * OUTPUTS]
        _add_products(sums, min((count + LANES - 1) // LANES * LANES, run.size - farthest), run, offsets, some)
        first = output_block * OUTPUTS
        for one in range(min(OUTPUTS, per_group - first)):
            channel = group * per_group + first + one
            _put(sums[one * PIXELS : one * PIXELS + count], biases[channel], start, columns, output[channel])


@numba.njit(cache=True)
def _aligned_zeros(count, like):
    """So many zeros of an array's dtype, from the beginning of a cache line on."""
    zeros = np.zeros(count + LINE // like.itemsize, like.dtype)
    start = -zeros.ctypes.data % LINE // like.itemsize
    return zeros[start : start + count]


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
        i0, i1, i2 = image[offsets[k] :], image[offsets[k + 1] :], image[offsets[k + 2] :]
        a0, a1, a2 = filters[0, k], filters[0, k + 1], filters[0, k + 2]
        b0, b1, b2 = filters[1, k], filters[1, k + 1], filters[1, k + 2]
        c0, c1, c2 = filters[2, k], filters[2, k + 1], filters[2, k + 2]
        d0, d1, d2 = filters[3, k], filters[3, k + 1], filters[3, k + 2]
        for p in range(count):
            p0, p1, p2 = i0[p], i1[p], i2[p]
            sums[p] = sums[p] + a0 * p0 + a1 * p1 + a2 * p2
            sums[PIXELS + p] = sums[PIXELS + p] + b0 * p0 + b1 * p1 + b2 * p2
            sums[2 * PIXELS + p] = sums[2 * PIXELS + p] + c0 * p0 + c1 * p1 + c2 * p2
            sums[3 * PIXELS + p] = sums[3 * PIXELS + p] + d0 * p0 + d1 * p1 + d2 * p2
    for k in range(whole, offsets.size):
        run = image[offsets[k] :]
        a0, b0, c0, d0 = filters[0, k], filters[1, k], filters[2, k], filters[3, k]
        for p in range(count):
            sums[p] += a0 * run[p]
            sums[PIXELS + p] += b0 * run[p]
            sums[2 * PIXELS + p] += c0 * run[p]
            sums[3 * PIXELS + p] += d0 * run[p]
