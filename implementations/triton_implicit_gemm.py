"""An implicit matrix product in Triton: for a GPU, and for Triton's interpreter on a CPU."""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch
import triton
import triton.language as tl
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem

# A tile on a GPU: the accumulators of 64 pixels by 64 outputs are 32 registers per thread of 4 warps. The shortest side
# for tl.dot is 16.
PIXELS, OUTPUTS, TAPS, MIN_SIDE = 64, 64, 32, 16
# In the interpreter each operation on a tile is a call of NumPy that takes about 0.1 ms. A tile is therefore as large
# as the problem, up to INTERPRETED_ELEMENTS; a problem of more than INTERPRETED_TILES tiles would take seconds.
INTERPRETED_ELEMENTS, INTERPRETED_TAPS = 2**16, 2**8
INTERPRETED_TILES = 256

_lock = threading.Lock()  # while the interpreter runs, Triton's language is replaced in the whole process


@implementation(
    framework="torch",
    algorithm="implicit-gemm",
    dtypes=("float64", "float32", "float16", "bfloat16"),
    source="Chetlur et al. 2014, cuDNN: efficient primitives for deep learning, section 3; Triton's matmul tutorial",
    declines={
        "dtype": "real floating dtypes only",
        "gradients": "the kernel is not differentiated",
        "size": "on a CPU, where Triton's interpreter runs it, problems of 256 tiles at most",
    },
)
def triton_implicit_gemm(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Multiply filters by windows that a Triton kernel gathers during the product and never stores.

    The elements of each window have the same distances from its first one, so one table of K distances, made by
    `prepare`, replaces the arithmetic of stride and dilation. Each program takes a tile of outputs and gathers its
    windows from the padded image, 32 elements at a time. Sums are in float32, for float64 in float64, never in TF32.
    Operands on a CPU go through Triton's interpreter, which is a check of the kernel and too slow for other uses.

    Cost: N O OH OW K products, K = C/G KH KW, each side of a tile rounded up. Workspace: the padded image.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, triton_implicit_gemm.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@triton_implicit_gemm.prepare
def prepare(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with the filters and its table of distances laid out."""
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
    # the interpreter has no product of 16-bit tiles, and rounds to bfloat16 by truncation
    dtype = getattr(torch, DTYPES[problem.dtype].accumulator) if interpreted else weight.dtype
    filters = weight.to(dtype).reshape(g, o // g, k).transpose(1, 2).contiguous()
    offset = filters.new_zeros(o) if bias is None else bias.to(dtype, copy=True).contiguous()
    distances = _distances(problem, height, width).to(weight.device)
    plane = height * width
    sizes = (problem.batch * oh * ow, oh * ow, ow, o, o // g, g, k)
    each = problem.in_channels // g * plane  # elements of one group of one image
    steps = (g * each, each, problem.stride[0] * width, problem.stride[1])

    def run(input: Tensor) -> Tensor:
        check_input(problem, input)
        if torch.is_grad_enabled() and any(
            array is not None and array.requires_grad for array in (input, weight, bias)
        ):
            raise NotImplementedError("input, weight or bias that asks for gradients: this kernel has none")
        output = input.new_empty(problem.output_shape, dtype=dtype)
        if not output.numel():
            return output.to(input.dtype)
        padded = torch.nn.functional.pad(input.to(dtype), (left, right, top, bottom)).contiguous()
        arguments = (padded, distances, filters, offset, output, *sizes, *steps, *sides)
        if interpreted:
            with _lock:
                interpreted_kernel[(tiles,)](*arguments)
        else:
            gpu_kernel[(tiles,)](*arguments)
        return output.to(input.dtype)

    return run


def _sides(problem: Problem, interpreted: bool) -> tuple[int, int, int]:
    """Return the numbers of pixels, outputs and taps of a tile, which are powers of two."""
    wanted = (
        problem.batch * problem.output_size[0] * problem.output_size[1],
        problem.out_channels // problem.groups,
        problem.reduction,
    )
    pixels, outputs, taps = (max(MIN_SIDE, triton.next_power_of_2(size)) for size in wanted)
    if interpreted:
        taps = min(taps, INTERPRETED_TAPS)
        return min(pixels, INTERPRETED_ELEMENTS // taps), min(outputs, OUTPUTS), taps
    halves = 2 if problem.dtype == "float64" else 1  # its accumulators take two registers each
    return PIXELS // halves, min(outputs, OUTPUTS // halves), TAPS // halves


def _distances(problem: Problem, height: int, width: int) -> Tensor:
    """Return the distance of each of a window's K elements from its first in a padded image (C, height, width)."""
    channels = torch.arange(problem.in_channels // problem.groups)[:, None, None] * (height * width)
    rows = torch.arange(problem.kernel[0])[:, None] * (problem.dilation[0] * width)
    columns = torch.arange(problem.kernel[1]) * problem.dilation[1]
    return (channels + rows + columns).flatten()


def _convolve(  # type: ignore[no-untyped-def] # Triton reads annotations as types of a signature
    image, distances, filters, offset, result,
    pixels, plane, width, outputs, per_group, groups, taps, by_image, by_group, by_row, by_column,
    PIXELS: tl.constexpr, OUTPUTS: tl.constexpr, TAPS: tl.constexpr,
):  # fmt: skip
    """Compute a tile of ``result`` (N, O, OH, OW) of a padded ``image`` (N, C, H, W) and ``filters`` (G, K, O/G)."""
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
    position = (number * outputs * plane + within)[:, None] + (channel * plane)[None, :]
    tl.store(result + position, total.to(result.dtype.element_ty), mask=inside[:, None] & wanted[None, :])


def _as_a_kernel(interpret: bool) -> triton.JITFunction:
    """Return the kernel for a GPU or for the interpreter, without regard to TRITON_INTERPRET."""
    with triton.knobs.runtime.scope():
        triton.knobs.runtime.interpret = interpret
        return triton.jit(_convolve)


gpu_kernel, interpreted_kernel = _as_a_kernel(False), _as_a_kernel(True)
