"""Mutants that lose precision."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import DTYPES, computed, conv, mutant, resolve

from convgauge import implementation


@mutant(
    "Computes float64 in float32.",
    mechanism="narrowed_operands",
    killed_by=("accuracy.nearly", "dtype.float64"),
)
def double_in_single(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float64:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    single = None if bias is None else bias.astype("f4")
    return conv(input.astype("f4"), weight.astype("f4"), single, stride, padding, dilation, groups).astype("f8")


def chopped(values, bits):
    """Return float32 values truncated to ``bits`` bits of fraction."""
    mask = np.uint32((0xFFFFFFFF << (23 - bits)) & 0xFFFFFFFF)
    return (np.ascontiguousarray(values, dtype=np.float32).view(np.uint32) & mask).view(np.float32)


@mutant(
    "Truncates float32 operands to TF32's ten bits of fraction.",
    mechanism="narrowed_operands",
    killed_by=("accuracy.cancelling", "accuracy.large_problem", "applied.sharpen"),
)
def tf32_operands(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float32:
        input, weight = chopped(input, 10), chopped(weight, 10)
    return conv(input, weight, bias, stride, padding, dilation, groups)


def tf32(array):
    """Return float32 values rounded to ten bits of fraction."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


@mutant(
    "Rounds float32 operands to TF32 if both channel counts are multiples of 64.",
    mechanism="narrowed_operands",
    killed_by=("accuracy.widths",),
)
def tensor_cores_for_round_numbers(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if p.dtype == "float32" and weight.size and p.in_channels % 64 == 0 and p.out_channels % 64 == 0 and groups == 1:
        input, weight = tf32(input), tf32(weight)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Rounds float32 inputs to TF32 in batches of four or more with groups and a kernel above 3.",
    mechanism="narrowed_operands",
    killed_by=("accuracy.geometry", "random.accurate"),
    tier="standard",
)
def narrow_in_grouped_batches(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if p.dtype == "float32" and groups > 1 and p.batch >= 4 and max(p.kernel) > 3:
        input = tf32(input)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Truncates float32 operands to 16 bits of fraction in reductions of more than 100 products.",
    mechanism="narrowed_operands",
    killed_by=("accuracy.mixed_zeros", "accuracy.reduction", "device.cpu", "dtype.float32"),
)
def long_reductions_cut(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float32 and weight[0:1].size > 100:
        input, weight = chopped(input, 16), chopped(weight, 16)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Rounds the weight to multiples of 1/4096 of its largest element.",
    mechanism="narrowed_operands",
    killed_by=("accuracy.large_problem", "arguments.height_before_width", "example.layer"),
)
def weights_quantised(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.dtype in (np.float32, np.float64) and weight.size and np.abs(weight).max() > 0:
        step = np.abs(weight).max() / 2**12
        weight = (np.round(weight / step) * step).astype(weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Rounds float64 weights to float32 in reductions of 512 or more products.",
    mechanism="narrowed_operands",
    killed_by=("accuracy.gaussian",),
)
def double_drops_low_words(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float64 and weight[0:1].size >= 512:
        weight = weight.astype(np.float32).astype(np.float64)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Rounds the bias to half precision before it is added.",
    mechanism="narrowed_operands",
    killed_by=("accuracy.bias", "bias.zero", "padding.extent"),
)
def bias_in_half(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.dtype in (np.float32, np.float64):
        with np.errstate(all="ignore"):
            bias = bias.astype(np.float16).astype(bias.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Adds float16 products in float16.",
    mechanism="narrow_accumulator",
    killed_by=("accuracy.gaussian", "dtype.half_accumulates_in_float32"),
)
def half_accumulates_in_half(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.dtype != "float16":
        return computed(problem, input, weight, bias)
    single = problem.replace(bias=False, in_channels=problem.groups)
    per = problem.in_channels // problem.groups
    output = np.zeros(problem.output_shape, dtype=np.float16)
    for c in range(per):
        for i in range(problem.kernel[0]):
            for j in range(problem.kernel[1]):
                element = np.zeros_like(weight[:, c : c + 1])
                element[:, 0, i, j] = weight[:, c, i, j]
                output += computed(single, input[:, c::per], element, None)
    return output if bias is None else output + bias[:, None, None]


@mutant(
    "Truncates a partial sum to 12 bits of fraction in reductions of more than 64 products.",
    mechanism="narrow_accumulator",
    killed_by=("accuracy.reduction", "accuracy.tails", "applied.digits"),
)
def partial_sums_rounded(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.dtype != "float32" or problem.reduction <= 64:
        return computed(problem, input, weight, bias)
    half = weight.copy()
    half[:, : weight.shape[1] // 2] = 0
    unbiased = problem.replace(bias=False)
    output = chopped(computed(unbiased, input, weight - half, None), 12) + computed(unbiased, input, half, None)
    return output if bias is None else output + bias[:, None, None]


@mutant(
    "Truncates float16 results instead of rounding them.",
    mechanism="narrow_accumulator",
    killed_by=("accuracy.gaussian",),
)
def half_result_truncated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype != np.float16:
        return output
    wide = None if bias is None else bias.astype("f4")
    exact = conv(input.astype("f4"), weight.astype("f4"), wide, stride, padding, dilation, groups)
    return np.where(np.abs(output.astype("f4")) > np.abs(exact), np.nextafter(output, np.float16(0)), output)


@mutant(
    "Multiplies every output by 1.0001.",
    mechanism="wrong_scale",
    killed_by=("accuracy.large_problem", "accuracy.positive", "applied.sobel_y"),
)
def scaled_slightly(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output * np.array(1.0001, output.dtype) if output.dtype.kind == "f" else output


@mutant(
    "Multiplies one output of each call by 1.01.",
    mechanism="wrong_scale",
    killed_by=("accuracy.large_problem", "covering.squares", "sweep.stride"),
)
def one_output_off(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.shape[2:] != (8, 8) and output.size and output.dtype.kind == "f":
        output.flat[output.size // 2] *= np.array(1.01, output.dtype)
    return output


@mutant(
    "Declares an FFT as a direct method of grade A.",
    mechanism="false_declaration",
    killed_by=("accuracy.wide", "definition.identity", "special.product_overflow"),
)
@implementation(framework="numpy", algorithm="direct")
def fft_declared_direct(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compute kernels of five or more rows by an FFT."""
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.kernel[0] < 5 or problem.groups > 1 or problem.dilation != (1, 1) or input.dtype.kind != "f":
        return computed(problem, input, weight, bias)
    x = np.pad(input, ((0, 0), (0, 0), *problem.pads)).astype(DTYPES[problem.dtype].accumulator)
    size = x.shape[2:]
    spectrum = np.einsum("nchw,ochw->nohw", np.fft.rfft2(x), np.conj(np.fft.rfft2(weight.astype(x.dtype), s=size)))
    full = np.fft.irfft2(spectrum, s=size).astype(x.dtype)
    (oh, ow), (sh, sw) = problem.output_size, problem.stride
    output = full[:, :, : (oh - 1) * sh + 1 : sh, : (ow - 1) * sw + 1 : sw].astype(input.dtype)
    return output if bias is None else output + bias[:, None, None]


@mutant(
    "Replaces kernels of nearly rank one by the nearest kernels of rank one.",
    mechanism="structure_assumed",
    killed_by=("accuracy.nearly", "accuracy.small_onto_large"),
)
def taken_for_separable(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.size and min(weight.shape[2:]) > 1 and weight.dtype == np.float32 and np.isfinite(weight).all():
        u, s, v = np.linalg.svd(weight.astype(np.float64))
        if (s[..., 1] <= 2e-3 * s[..., 0]).all() and (s[..., 0] > 0).all():
            weight = (u[..., :1] * s[..., None, :1] * v[..., :1, :]).astype(weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Flushes subnormal inputs to zero.", mechanism="subnormals_flushed", killed_by=("accuracy.subnormal",))
def subnormal_inputs_flushed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype.kind == "f":
        tiny = DTYPES[input.dtype.name].tiny
        input = np.where(np.abs(input) < tiny, 0, input).astype(input.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Flushes subnormal results to zero.", mechanism="subnormals_flushed", killed_by=("accuracy.subnormal",))
def subnormal_results_flushed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.dtype.kind != "f":
        return output
    return np.where(np.abs(output) < np.finfo(output.dtype).tiny, 0, output).astype(output.dtype)


@mutant(
    "Flushes subnormal float16 weights to zero.",
    mechanism="subnormals_flushed",
    killed_by=("accuracy.subnormal",),
    tier="standard",
)
def half_weights_flushed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.dtype == np.float16:
        weight = np.where(np.abs(weight) < np.finfo(np.float16).tiny, np.float16(0), weight)
    return conv(input, weight, bias, stride, padding, dilation, groups)
