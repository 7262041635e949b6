"""Mutants that lose or spread NaN and infinity, or take shortcuts for zeros."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, conv, mutant, resolve


@mutant("Replaces NaN in the input by zero.", mechanism="nan_clamped", killed_by=("special.nan.input",))
def nan_input_is_zero(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype.kind in "fc":
        input = np.where(np.isnan(input), 0, input).astype(input.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Replaces NaN in the weight by zero.", mechanism="nan_clamped", killed_by=("special.nan.weight",))
def nan_weight_is_zero(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.dtype.kind in "fc":
        weight = np.where(np.isnan(weight), 0, weight).astype(weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Replaces NaN and infinity in the bias by zero.",
    mechanism="nan_clamped",
    killed_by=("special.infinity.bias", "special.nan.bias"),
)
def bias_not_finite_left_out(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.dtype.kind in "fc":
        bias = np.where(np.isfinite(bias), bias, 0).astype(bias.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Clamps infinite results to the largest finite number.",
    mechanism="nan_clamped",
    killed_by=("special.infinity.bias",),
)
def infinity_clamped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.dtype.kind != "f":
        return output
    largest = np.finfo(output.dtype).max
    return np.where(np.isnan(output), output, np.clip(output, -largest, largest))


@mutant(
    "Clamps float16 results that overflow to 65504.",
    mechanism="nan_clamped",
    killed_by=("special.overflow",),
)
def half_saturates(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    finite = all(array is None or np.isfinite(array).all() for array in (input, weight, bias))
    if output.dtype == np.float16 and finite:
        return np.clip(output, np.float16(-65504), np.float16(65504))
    return output


@mutant(
    "Skips zero weights, so that zero times infinity gives zero.",
    mechanism="nan_clamped",
    killed_by=("special.infinity.times_zero",),
)
def zero_weights_skipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if input.dtype.kind != "f" or np.isfinite(input).all() or (weight != 0).all():
        return output
    cleaned = np.where(np.isfinite(input), input, 0).astype(input.dtype)
    spoilt = computed(problem.replace(bias=False), (~np.isfinite(input)).astype(input.dtype), np.abs(weight), None)
    return np.where(spoilt > 0, output, computed(problem, cleaned, weight, bias))


@mutant(
    "Replaces NaN in the output by minus infinity, as a maximum over both does.",
    mechanism="nan_clamped",
    killed_by=("special.infinity.difference",),
)
def nan_output_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return np.fmax(output, -np.inf).astype(output.dtype) if output.dtype.kind == "f" else output


@mutant("Spreads NaN over the whole row of outputs.", mechanism="nan_spread", killed_by=("special.nan.input",))
def nan_spoils_the_row(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.dtype.kind == "f" and np.isnan(output).any():
        output[np.isnan(output).any(axis=3)] = np.nan
    return output


@mutant(
    "Spreads NaN over the whole image if the kernel has 9 or more rows.",
    mechanism="nan_spread",
    killed_by=("special.infinity.input",),
)
def large_kernel_spreads_nan(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if weight.shape[2] >= 9 and output.dtype.kind == "f" and not np.isfinite(input).all():
        output[...] = np.nan
    return output


@mutant("Turns infinite results of 3x3 kernels into NaN.", mechanism="nan_spread", killed_by=("special.infinity.bias",))
def infinity_becomes_nan(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if weight.shape[2:] == (3, 3) and output.dtype.kind == "f":
        output[np.isinf(output)] = np.nan
    return output


@mutant(
    "Scales float32 inputs by 2^20 and the outputs back, so that large values overflow.",
    mechanism="nan_spread",
    killed_by=("accuracy.near_overflow",),
)
def overflows_on_the_way(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float32:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    output = conv(input * np.float32(2**20), weight, None, stride, padding, dilation, groups) * np.float32(2**-20)
    return output if bias is None else output + bias[:, None, None]


@mutant("Pads with NaN if the input holds a NaN.", mechanism="padding_value", killed_by=("special.nan.input",))
def padding_of_nan(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype.kind != "f" or not np.isnan(input).any():
        return computed(problem, input, weight, bias)
    x = np.pad(input, ((0, 0), (0, 0), *problem.pads), constant_values=np.nan)
    return computed(problem.replace(padding=(0, 0), height=x.shape[2], width=x.shape[3]), x, weight, bias)


@mutant(
    "Drops the bias if the input is zero everywhere.",
    mechanism="bias_dropped",
    killed_by=("bias.alone", "special.zero_input"),
)
def blank_input_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if input.any() or not input.size else output * 0


@mutant(
    "Returns zeros for a weight of zeros and ignores the bias and NaN in the input.",
    mechanism="structure_assumed",
    killed_by=("bias.alone", "special.zero_weight"),
)
def blank_weight_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if weight.any() or not weight.size else np.zeros_like(output)


@mutant(
    "Returns zeros if the bias is zero everywhere.",
    mechanism="structure_assumed",
    killed_by=("special.zero_bias",),
)
def blank_bias_blanks_output(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if bias is None or bias.any() else output * 0


@mutant(
    "Answers images of zeros with the bias, whatever the weight holds.",
    mechanism="structure_assumed",
    killed_by=("special.infinity.times_zero",),
)
def blank_images_skipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    for image, answer in zip(input, output, strict=True):
        if not image.any():
            answer[...] = 0 if bias is None else bias[:, None, None]
    return output
