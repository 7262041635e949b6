"""Faults in element types and precision."""

import numpy as np
from _parts import DTYPES, computed, conv, fault, resolve

from convgauge import implementation


def chopped(values, bits):
    """float32 values cut to ``bits`` bits of fraction."""
    mask = np.uint32((0xFFFFFFFF << (23 - bits)) & 0xFFFFFFFF)
    return (np.ascontiguousarray(values, dtype=np.float32).view(np.uint32) & mask).view(np.float32)


@fault("float64 is computed in float32.", caught_by=["dtype", "accuracy"])
def double_in_single(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.float64:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    single = None if bias is None else bias.astype("f4")
    return conv(input.astype("f4"), weight.astype("f4"), single, stride, padding, dilation, groups).astype("f8")


@fault("Whatever comes in, float32 comes out.", caught_by=["dtype"])
def always_float32(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups).astype(np.float32)


@fault("The padded input is a zeros array of the default dtype, so that float32 alone comes out as it went in.",
       caught_by=["dtype"])  # fmt: skip
def zeros_of_default_dtype(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)), (n, c, h, w) = problem.pads, input.shape
    room = np.zeros((n, c, h + top + bottom, w + left + right))
    room[:, :, top : top + h, left : left + w] = input
    return computed(problem.replace(padding=(0, 0), height=room.shape[2], width=room.shape[3], dtype="float64"),
                    room, weight, bias)  # fmt: skip


@fault("float16 comes out as float32.", caught_by=["dtype"])
def half_comes_out_single(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float16:
        wide = None if bias is None else bias.astype("f4")
        return conv(input.astype("f4"), weight.astype("f4"), wide, stride, padding, dilation, groups)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("float16 products are added up in float16.", caught_by=["accuracy", "dtype"])
def half_accumulates_in_half(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.dtype != "float16":
        return computed(problem, input, weight, bias)
    one = problem.replace(bias=False, in_channels=problem.groups)
    per = problem.in_channels // problem.groups
    output = np.zeros(problem.output_shape, dtype=np.float16)
    for c in range(per):
        for i in range(problem.kernel[0]):
            for j in range(problem.kernel[1]):
                only = np.zeros_like(weight[:, c : c + 1])
                only[:, 0, i, j] = weight[:, c, i, j]
                output += computed(one, input[:, c::per], only, None)
    return output if bias is None else output + bias[:, None, None]


@fault("Operands are cut to TF32's ten bits.", caught_by=["accuracy"])
def tf32_operands(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float32:
        input, weight = chopped(input, 10), chopped(weight, 10)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Long reductions have their operands cut to 16 bits of fraction.", caught_by=["accuracy"])
def long_reductions_cut(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float32 and weight[0:1].size > 100:
        input, weight = chopped(input, 16), chopped(weight, 16)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Weights are quantised to 12 bits of the largest.", caught_by=["accuracy"])
def weights_quantised(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.dtype in (np.float32, np.float64) and weight.size and np.abs(weight).max() > 0:
        step = np.abs(weight).max() / 2**12
        weight = (np.round(weight / step) * step).astype(weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Every output is too large by one part in 10,000.", caught_by=["accuracy"])
def scaled_by_a_hair(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output * np.array(1.0001, output.dtype) if output.dtype.kind == "f" else output


@fault("One output of each call is off by a hundredth of its size.", caught_by=["accuracy", "sweep", "covering"])
def one_output_off(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if output.shape[2:] != (8, 8) and output.size and output.dtype.kind == "f":
        output.flat[output.size // 2] *= np.array(1.01, output.dtype)
    return output


@fault("float16 results are cut off instead of rounded.", caught_by=["accuracy"])
def half_result_truncated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype != np.float16:
        return output
    wide = None if bias is None else bias.astype("f4")
    exact = conv(input.astype("f4"), weight.astype("f4"), wide, stride, padding, dilation, groups)
    return np.where(np.abs(output.astype("f4")) > np.abs(exact), np.nextafter(output, np.float16(0)), output)


@fault("The bias is rounded to half precision before it is added.", caught_by=["accuracy", "bias"])
def bias_in_half(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and bias.dtype in (np.float32, np.float64):
        with np.errstate(all="ignore"):
            bias = bias.astype(np.float16).astype(bias.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The products are added in single precision but the bias joins a sum rounded to 12 bits in steps of 64.",
       caught_by=["accuracy"])  # fmt: skip
def partial_sums_rounded(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.dtype != "float32" or problem.reduction <= 64:
        return computed(problem, input, weight, bias)
    half = weight.copy()
    half[:, : weight.shape[1] // 2] = 0
    one = problem.replace(bias=False)
    output = chopped(computed(one, input, weight - half, None), 12) + computed(one, input, half, None)
    return output if bias is None else output + bias[:, None, None]


@fault("An FFT is declared a direct method of grade A.", caught_by=["accuracy", "special"])
@implementation(framework="numpy", algorithm="direct")
def fft_said_to_be_direct(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """An FFT for kernels of five rows and more."""
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


@fault("Integers are computed in float32: sums over 2^24 lose their last digits.", caught_by=["dtype", "adversarial"])
def integers_in_float32(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype.kind not in "iu":
        return conv(input, weight, bias, stride, padding, dilation, groups)
    wide = None if bias is None else bias.astype("f4")
    answer = conv(input.astype("f4"), weight.astype("f4"), wide, stride, padding, dilation, groups)
    return answer.astype(input.dtype)


@fault("Complex weights are conjugated, as numpy.correlate does.", caught_by=["adversarial"])
def complex_weight_conjugated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, np.conj(weight), bias, stride, padding, dilation, groups)


@fault("Complex operands lose their imaginary part.", caught_by=["adversarial"])
def imaginary_part_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype.kind == "c":
        weight = weight.real.astype(weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Mixed precisions are silently narrowed to the input's.", caught_by=["errors", "dtype"])
def mixed_dtypes_narrowed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    bias = None if bias is None else bias.astype(input.dtype)
    return conv(input, weight.astype(input.dtype), bias, stride, padding, dilation, groups)


@fault("A float64 accumulator is emulated by two floats, and the second one is dropped from 512 products on.",
       caught_by=["accuracy"])  # fmt: skip
def double_drops_low_words(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float64 and weight[0:1].size >= 512:
        weight = weight.astype(np.float32).astype(np.float64)
    return conv(input, weight, bias, stride, padding, dilation, groups)
