"""Faults in NaN, infinity, overflow and subnormal numbers."""

import numpy as np
from _parts import DTYPES, computed, conv, fault, resolve


@fault("NaN in the input is replaced by zero.", caught_by=["special"])
def nan_input_is_zero(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype.kind in "fc":
        input = np.where(np.isnan(input), 0, input).astype(input.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("NaN in the weight is replaced by zero.", caught_by=["special"])
def nan_weight_is_zero(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.dtype.kind in "fc":
        weight = np.where(np.isnan(weight), 0, weight).astype(weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A bias of NaN or infinity is left out.", caught_by=["special", "bias"])
def bias_not_finite_left_out(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.dtype.kind in "fc":
        bias = np.where(np.isfinite(bias), bias, 0).astype(bias.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Infinite results are clamped to the largest float.", caught_by=["special"])
def infinity_clamped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.dtype.kind != "f":
        return output
    largest = np.finfo(output.dtype).max
    return np.where(np.isnan(output), output, np.clip(output, -largest, largest))


@fault("Overflow in float16 saturates at 65504.", caught_by=["special", "accuracy"])
def half_saturates(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    finite = all(one is None or np.isfinite(one).all() for one in (input, weight, bias))
    if output.dtype == np.float16 and finite:
        return np.clip(output, np.float16(-65504), np.float16(65504))
    return output


@fault("Zero weights are skipped, so that zero times infinity is zero.", caught_by=["special"])
def zero_weights_skipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if input.dtype.kind != "f" or np.isfinite(input).all() or (weight != 0).all():
        return output
    cleaned = np.where(np.isfinite(input), input, 0).astype(input.dtype)
    spoilt = computed(problem.replace(bias=False), (~np.isfinite(input)).astype(input.dtype), np.abs(weight), None)
    return np.where(spoilt > 0, output, computed(problem, cleaned, weight, bias))


@fault("NaN in a receptive field spoils the whole row of outputs.", caught_by=["special"])
def nan_spoils_the_row(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.dtype.kind == "f" and np.isnan(output).any():
        output[np.isnan(output).any(axis=3)] = np.nan
    return output


@fault("Kernels of 9 or more rows spread NaN over the whole image.", caught_by=["special"])
def large_kernel_spreads_nan(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if weight.shape[2] >= 9 and output.dtype.kind == "f" and not np.isfinite(input).all():
        output[...] = np.nan
    return output


@fault("3x3 kernels turn infinity into NaN.", caught_by=["special"])
def infinity_becomes_nan(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if weight.shape[2:] == (3, 3) and output.dtype.kind == "f":
        output[np.isinf(output)] = np.nan
    return output


@fault("NaN becomes zero in the output: max(x, -inf) keeps the other operand.", caught_by=["special"])
def nan_output_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return np.fmax(output, -np.inf).astype(output.dtype) if output.dtype.kind == "f" else output


@fault("Subnormal inputs are flushed to zero.", caught_by=["special", "accuracy"])
def subnormal_inputs_flushed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype.kind == "f":
        tiny = DTYPES[input.dtype.name].tiny
        input = np.where(np.abs(input) < tiny, 0, input).astype(input.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Subnormal results are flushed to zero.", caught_by=["special", "accuracy"])
def subnormal_results_flushed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.dtype.kind != "f":
        return output
    return np.where(np.abs(output) < np.finfo(output.dtype).tiny, 0, output).astype(output.dtype)


@fault("Large values overflow on the way: operands are scaled up by 2^20 and down again.",
       caught_by=["special", "accuracy"])  # fmt: skip
def overflows_on_the_way(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float32:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    output = conv(input * np.float32(2**20), weight, None, stride, padding, dilation, groups) * np.float32(2**-20)
    return output if bias is None else output + bias[:, None, None]


@fault("Zeros in the padding are multiplied as NaN once the input holds one.", caught_by=["special"])
def padding_of_nan(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype.kind != "f" or not np.isnan(input).any():
        return computed(problem, input, weight, bias)
    x = np.pad(input, ((0, 0), (0, 0), *problem.pads), constant_values=np.nan)
    return computed(problem.replace(padding=(0, 0), height=x.shape[2], width=x.shape[3]), x, weight, bias)


@fault("An all-zero input is answered with zeros, the bias forgotten.", caught_by=["special", "bias"])
def blank_input_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if input.any() or not input.size else output * 0


@fault("All-zero weights are answered with zeros, NaN in the input and the bias forgotten.",
       caught_by=["special", "bias", "adversarial"])  # fmt: skip
def blank_weight_without_bias(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output if weight.any() or not weight.size else np.zeros_like(output)


@fault("Images of zeros are answered with the bias, whatever the weight holds.", caught_by=["special"])
def blank_images_skipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    for image, answer in zip(input, output):
        if not image.any():
            answer[...] = 0 if bias is None else bias[:, None, None]
    return output
