"""The convolution theorem with SciPy's transforms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.fft

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES, Array
from convgauge.problem import Problem


@implementation(
    framework="numpy",
    algorithm="fft",
    dtypes=("float64", "float32", "float16"),
    source="Mathieu, Henaff and LeCun 2014, Fast training of convolutional networks through FFTs; scipy.fft.rfft2",
    declines={"dtype": "real floating dtypes only: the transforms round, and are real-to-complex"},
)
def scipy_fft(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Transform the whole image by scipy.fft, which works in float32 as well as in float64.

    Correlation is a product with the conjugate of the kernel's spectrum, summed over channels by one small matrix
    product per frequency. The transform is as long as the padded image, rounded up to a fast length, so that outputs
    that wrap around are those that are cut off; stride picks from all outputs of stride 1.

    Cost: O((N C + O C/G + N O) P log P) and N O C/G P complex products for P padded pixels, whatever the kernel's size.
    Workspace: the spectra of input, filters and output, (N C + O C/G + N O) P elements.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, scipy_fft.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@scipy_fft.prepare
def prepare(problem: Problem, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """Return the convolution of one layer, with the spectra of the filters computed."""
    n, o, g, per_group = problem.batch, problem.out_channels, problem.groups, problem.in_channels // problem.groups
    accumulator = DTYPES[problem.dtype].accumulator
    (top, bottom), (left, right) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    rows = scipy.fft.next_fast_len(top + problem.height + bottom, real=True)
    columns = scipy.fft.next_fast_len(left + problem.width + right, real=True)
    frequencies = (rows, columns // 2 + 1)
    offset: Array | float = 0.0 if bias is None else bias.astype(accumulator)[:, None, None]
    if 0 in problem.input_shape or 0 in problem.output_shape:
        return lambda _: (np.zeros(problem.output_shape, accumulator) + offset).astype(problem.dtype)

    filters, weight_exponent = _normalised(weight.astype(accumulator))
    spaced = np.zeros((*weight.shape[:2], *problem.extent), accumulator)
    spaced[:, :, ::dh, ::dw] = filters
    spectra = scipy.fft.rfft2(spaced, (rows, columns)).conj().reshape(g, o // g, per_group, *frequencies)
    spectra = np.ascontiguousarray(spectra.transpose(3, 4, 0, 1, 2))

    def run(input: Array) -> Array:
        check_input(problem, input)
        padded = np.zeros((n, problem.in_channels, rows, columns), accumulator)
        image, exponent = _normalised(input.astype(accumulator))
        padded[:, :, top : top + problem.height, left : left + problem.width] = image
        transformed = scipy.fft.rfft2(padded).reshape(n, g, per_group, *frequencies)
        product = spectra @ transformed.transpose(3, 4, 1, 2, 0)  # (*frequencies, G, O/G, N)
        full = scipy.fft.irfft2(product.transpose(4, 2, 3, 0, 1).reshape(n, o, *frequencies), (rows, columns))
        picked = np.ldexp(full[:, :, : oh * sh : sh, : ow * sw : sw], exponent + weight_exponent)
        biased: Array = picked + offset
        return biased.astype(problem.dtype, order="C")

    return run


def _normalised(values: Array) -> tuple[Array, int]:
    """Return values / 2^e, with a largest magnitude near 1 so that no transform overflows, and e."""
    exponent = np.frexp(np.abs(values).max())[1]
    return np.ldexp(values, -exponent), exponent
