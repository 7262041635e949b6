"""An implicit matrix product, written in Triton: for a GPU, and for Triton's interpreter where there is none."""

import threading

import torch
import triton
import triton.language as tl

from convgauge import implementation
from convgauge.arguments import check_input, resolve
from convgauge.dtypes import DTYPES

# A tile on a GPU: the accumulators of 64 pixels by 64 outputs are 32 registers a thread of 4 warps. tl.dot takes no
# less than 16 along any side.
PIXELS, OUTPUTS, TAPS, LEAST = 64, 64, 32, 16
# In the interpreter each operation on a tile is a call of NumPy's that takes some 0.1 ms: a tile is as large as the
# problem, up to so many gathered elements, and a problem of more than so many tiles would take seconds.
INTERPRETED_ELEMENTS, INTERPRETED_TAPS = 2**16, 2**8
INTERPRETED_TILES = 256

_one_at_a_time = threading.Lock()  # while the interpreter runs, Triton's language is replaced in the whole process


@implementation(
    framework="torch",
    algorithm="implicit-gemm",
    dtypes=("float64", "float32", "float16", "bfloat16"),
    source="Chetlur et al. 2014, cuDNN: efficient primitives for deep learning, section 3; Triton's matmul tutorial",
    declines={
        "dtype": "real floating dtypes only",
        "gradients": "a kernel of our own is not differentiated",
        "size": "on a CPU, where Triton's interpreter runs it, problems of 256 tiles at most",
    },
)
def triton_implicit_gemm(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """A Triton kernel: a matrix product of filters by windows that are gathered as it goes, never stored.

    A window's elements lie at the same distances from its first one wherever it is, so one table of K distances, made
    by `prepare`, replaces the arithmetic of stride and dilation. Each program takes a tile of outputs and gathers its
    windows 32 elements at a time out of the padded image. Sums are in float32, for float64 in float64, never in TF32.
    Operands on a CPU go through Triton's interpreter: a check of the kernel, no way to compute.

    Cost: N O OH OW K products, K = C/G KH KW, each side of a tile rounded up. Workspace: the padded image.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, triton_implicit_gemm.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@triton_implicit_gemm.prepare
def prepare(problem, weight, bias):
    k, o, g = problem.reduction, problem.out_channels, problem.groups
    (oh, ow), (top, bottom), (left, right) = problem.output_size, *problem.pads
    height, width = top + problem.height + bottom, left + problem.width + right
    interpreted = weight.device.type == "cpu"
    pixels, outputs, taps = sides = _sides(problem, interpreted)
    tiles = triton.cdiv(problem.batch * oh * ow, pixels) * triton.cdiv(o // g, outputs) * g
    if interpreted and tiles * triton.cdiv(k, taps) > INTERPRETED_TILES:
        raise NotImplementedError(
            f"input and weight make {tiles * triton.cdiv(k, taps)} tiles, and Triton's interpreter, which runs the"
            f" kernel on a CPU, gets {INTERPRETED_TILES} at most: put them on a GPU"
        )
    # the interpreter knows no product of 16-bit tiles, and rounds to bfloat16 by cutting off
    dtype = getattr(torch, DTYPES[problem.dtype].accumulator) if interpreted else weight.dtype
    filters = weight.to(dtype).reshape(g, o // g, k).transpose(1, 2).contiguous()
    offset = filters.new_zeros(o) if bias is None else bias.to(dtype, copy=True).contiguous()
    distances = _distances(problem, height, width).to(weight.device)
    plane = height * width
    sizes = (problem.batch * oh * ow, oh * ow, ow, o, o // g, g, k)
    each = problem.in_channels // g * plane  # elements of one group of one image
    steps = (g * each, each, problem.stride[0] * width, problem.stride[1])

    def run(input):
        check_input(problem, input)
        if torch.is_grad_enabled() and any(one is not None and one.requires_grad for one in (input, weight, bias)):
            raise NotImplementedError("input, weight or bias that asks for gradients: this kernel has none")
        output = input.new_empty(problem.output_shape, dtype=dtype)
        if not output.numel():
            return output.to(input.dtype)
        padded = torch.nn.functional.pad(input.to(dtype), (left, right, top, bottom)).contiguous()
        arguments = (padded, distances, filters, offset, output, *sizes, *steps, *sides)
        if interpreted:
            with _one_at_a_time:
                _interpreted[(tiles,)](*arguments)
        else:
            _compiled[(tiles,)](*arguments)
        return output.to(input.dtype)

    return run


def _sides(problem, interpreted):
    """(pixels, outputs, taps) of a tile: powers of two."""
    wanted = (
        problem.batch * problem.output_size[0] * problem.output_size[1],
        problem.out_channels // problem.groups,
        problem.reduction,
    )
    pixels, outputs, taps = (max(LEAST, triton.next_power_of_2(size)) for size in wanted)
    if interpreted:
        taps = min(taps, INTERPRETED_TAPS)
        return min(pixels, INTERPRETED_ELEMENTS // taps), min(outputs, OUTPUTS), taps
    halves = 2 if problem.dtype == "float64" else 1  # its accumulators take two registers each
    return PIXELS // halves, min(outputs, OUTPUTS // halves), TAPS // halves


def _distances(problem, height, width):
    """How far each of a window's K elements lies from its first in a padded image (C, height, width)."""
    channels = torch.arange(problem.in_channels // problem.groups)[:, None, None] * (height * width)
    rows = torch.arange(problem.kernel[0])[:, None] * (problem.dilation[0] * width)
    columns = torch.arange(problem.kernel[1]) * problem.dilation[1]
    return (channels + rows + columns).flatten()


def _convolve(
    image, distances, filters, offset, result,
    pixels, plane, width, outputs, per_group, groups, taps, by_image, by_group, by_row, by_column,
    PIXELS: tl.constexpr, OUTPUTS: tl.constexpr, TAPS: tl.constexpr,
):  # fmt: skip
    """One tile of ``result`` (N, O, OH, OW) from ``image`` (N, C, H, W), padded, and ``filters`` (G, K, O/G)."""
    blocks = (per_group + OUTPUTS - 1) // OUTPUTS * groups
    tile, block = tl.program_id(0) // blocks, tl.program_id(0) % blocks
    group = (block % groups).to(tl.int64)
    channel = block // groups * OUTPUTS + tl.arange(0, OUTPUTS)
    wanted = channel < per_group
    pixel = tile.to(tl.int64) * PIXELS + tl.arange(0, PIXELS)
    inside = pixel < pixels
    number, within = pixel // plane, pixel % plane
    first = number * by_image + group * by_group + within // width * by_row + within % width * by_column
    windows_at = image + first[:, None]
    weights_at = filters + group * taps * per_group + channel[None, :]

    accumulator = tl.float64 if result.dtype.element_ty == tl.float64 else tl.float32
    total = tl.full((PIXELS, OUTPUTS), 0, accumulator)
    for start in range(0, taps, TAPS):
        tap = start + tl.arange(0, TAPS)
        there = tap < taps
        distance = tl.load(distances + tap, mask=there, other=0)
        windows = tl.load(windows_at + distance[None, :], mask=inside[:, None] & there[None, :], other=0.0)
        weights_here = weights_at + (tap * per_group)[:, None]
        weights = tl.load(weights_here, mask=there[:, None] & wanted[None, :], other=0.0)
        total += tl.dot(windows, weights, input_precision="ieee", out_dtype=accumulator)
    channel += group * per_group
    total += tl.load(offset + channel, mask=wanted, other=0.0)[None, :]
    place = (number * outputs * plane + within)[:, None] + (channel * plane)[None, :]
    tl.store(result + place, total.to(result.dtype.element_ty), mask=inside[:, None] & wanted[None, :])


def _as_a_kernel(interpret):
    """The kernel for a GPU or for the interpreter, whatever TRITON_INTERPRET says: operands may be on either side."""
    with triton.knobs.runtime.scope():
        triton.knobs.runtime.interpret = interpret
        return triton.jit(_convolve)


_compiled, _interpreted = _as_a_kernel(False), _as_a_kernel(True)
