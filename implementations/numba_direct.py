"""Direct convolution, blocked for registers and caches, compiled by Numba."""

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
from convgauge.problem import Problem

# A block of sums, 4 outputs by 384 pixels, stays in a first-level cache while all products are added to it.
OUTPUTS = 4
PIXELS = 384
# Pixels are counted up to a multiple of this, so that no loop has a remainder; additional sums do no harm.
LANES = 32
# So many products are added to a sum while it is in a register: with 4 outputs, 12 multiply-adds for 7 loads and 4
# stores. The 12 weights stay in registers; more would leave none for pixels and sums.
TAPS = 3
# Bytes of a cache line: a vector of sums that lies across two takes twice as long to store.
LINE = 64

# LLVM uses half of an AVX-512 register, because early processors slowed down with whole ones; whole ones are 1.2 times
# as fast.
_host = llvmlite.binding.get_host_cpu_features()
if _host.get("avx512f") and not numba.config.CPU_FEATURES:
    numba.config.CPU_FEATURES = f"{_host.flatten()},-prefer-256-bit"

_lock = threading.Lock()  # two threads must not enter some of Numba's thread pools at once


@implementation(
    framework="numpy",
    algorithm="direct",
    dtypes=("float64", "float32", "float16"),
    source="Zhang, Franchetti and Low 2018, High performance zero-memory overhead direct convolutions; numba.prange",
    declines={"dtype": "real floating dtypes only, to keep compilation short"},
)
def numba_direct(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Run the loops themselves, ordered and blocked for vectorisation, in parallel over blocks of the output.

    With the padded rows laid end to end (a stride's phases apart, see numpy_kn2row) every product of the kernel meets a
    contiguous run of pixels, and neighbouring outputs are neighbours in memory: the innermost loop runs over pixels and
    adds 3 products to each of 4 outputs at a time. Columns in which a row runs into the next are left out at the end.

    Cost: N O OH (OW + (extent - 1)/stride) K products, K = C/G KH KW. Workspace: one padded image; 6 KiB per thread.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, numba_direct.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@numba_direct.prepare
def prepare(problem: Problem, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """Return the convolution of one layer, with the filters laid out for its loops."""
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
    # if there are no columns to leave out, all rows are one
    (height, width), apart = ((1, oh * ow), oh * ow) if columns == ow else ((oh, ow), columns)

    def lay(image: Array) -> Array:
        """Return one image as one run by channel, phase, row and column, with zeros behind it if it is a copy."""
        if problem.stride == (1, 1) and problem.pads == ((0, 0), (0, 0)):
            return np.ascontiguousarray(image, accumulator).reshape(-1)
        laid = np.zeros(g * size + LANES, accumulator)
        phases = laid[:-LANES].reshape(c, sh, sw, rows, columns)
        for i, j in np.ndindex(sh, sw):
            y, x = (i - top) % sh, (j - left) % sw  # the first row and column of this phase that are not padding
            visible = image[:, y : max(0, rows * sh - top) : sh, x : max(0, columns * sw - left) : sw]
            first, start = (top + y) // sh, (left + x) // sw
            phases[:, i, j, first : first + visible.shape[1], start : start + visible.shape[2]] = visible
        return laid

    def run(input: Array) -> Array:
        check_input(problem, input)
        output = np.empty(problem.output_shape, accumulator)
        for image, result in zip(input, output, strict=True):
            with _lock:
                _convolve(lay(image), size, offsets, farthest, filters, biases, apart, result.reshape(o, height, width))
        return output.astype(problem.dtype, copy=False)

    return run


@numba.njit(parallel=True, fastmath={"contract"}, cache=True)
def _convolve(
    image: Array, size: int, offsets: Array, farthest: int, filters: Array, biases: Array, columns: int, output: Array
) -> None:
    """Write ``output`` (O, height, width) from the laid ``image``, ``size`` elements per group.

    ``filters`` is of shape (G, O/G rounded up, K).
    """
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
        block = filters[group, output_block * OUTPUTS : (output_block + 1) * OUTPUTS]
        _add_products(sums, min((count + LANES - 1) // LANES * LANES, run.size - farthest), run, offsets, block)
        first = output_block * OUTPUTS
        for index in range(min(OUTPUTS, per_group - first)):
            channel = group * per_group + first + index
            _put(sums[index * PIXELS : index * PIXELS + count], biases[channel], start, columns, output[channel])


@numba.njit(cache=True)
def _aligned_zeros(count: int, like: Array) -> Array:
    """Return ``count`` zeros of an array's dtype that begin with a cache line."""
    zeros = np.zeros(count + LINE // like.itemsize, like.dtype)
    start = -zeros.ctypes.data % LINE // like.itemsize
    aligned: Array = zeros[start : start + count]
    return aligned


@numba.njit(cache=True)
def _put(sums: Array, bias: float, start: int, columns: int, output: Array) -> None:
    """Write the sums of positions ``start`` and later to one channel's output, except those beyond its width."""
    y, x = divmod(start, columns)
    done = 0
    while done < sums.size:
        length = min(sums.size - done, columns - x)
        for i in range(min(length, output.shape[1] - x)):
            output[y, x + i] = sums[done + i] + bias
        done += length
        y, x = y + 1, 0


@numba.njit(fastmath={"contract"}, cache=True)
def _add_products(sums: Array, count: int, image: Array, offsets: Array, filters: Array) -> None:
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
