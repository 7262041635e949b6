"""The convolution theorem with SciPy's transforms."""

import numpy as np
import scipy.fft

from convgauge import implementation
from convgauge.arguments import check_input, resolve
from convgauge.dtypes import DTYPES


@implementation(
    framework="numpy",
    algorithm="fft",
    dtypes=("float64", "float32", "float16"),
    source="Mathieu, Henaff and LeCun 2014, Fast training of convolutional networks through FFTs; scipy.fft.rfft2",
    declines={"dtype": "real floating dtypes only: the transforms round, and are real-to-complex"},
)
def scipy_fft(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Whole-image transforms by scipy.fft, which works in float32 as well as in float64.

    Correlation is a product with the conjugate of the kernel's spectrum, channels summed by one small matrix product a
    frequency. The transform is as long as the padded image, rounded up to a fast length, so the outputs that wrap
    around are those that are cut off; stride picks from all of stride 1's outputs.

    Cost: O((N C + O C/G + N O) P log P) and N O C/G P complex products for P padded pixels, whatever the kernel's size.
    Workspace: the spectra of input, filters and output, (N C + O C/G + N O) P elements.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, scipy_fft.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@scipy_fft.prepare
def prepare(problem, weight, bias):
    n, o, g, per_group = problem.batch, problem.out_channels, problem.groups, problem.in_channels // problem.groups
    accumulator = DTYPES[problem.dtype].accumulator
    (top, bottom), (left, right) = problem.pads
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    rows = scipy.fft.next_fast_len(top + problem.height + bottom, real=True)
    columns = scipy.fft.next_fast_len(left + problem.width + right, real=True)
    frequencies = (rows, columns // 2 + 1)
    offset = 0 if bias is None else bias.astype(accumulator)[:, None, None]
    if 0 in problem.input_shape or 0 in problem.output_shape:
        return lambda _: (np.zeros(problem.output_shape, accumulator) + offset).astype(problem.dtype)

    filters, weight_exponent = _normalised(weight.astype(accumulator))
    spaced = np.zeros((*weight.shape[:2], *problem.extent), accumulator)
    spaced[:, :, ::dh, ::dw] = filters
    spectra = scipy.fft.rfft2(spaced, (rows, columns)).conj().reshape(g, o // g, per_group, *frequencies)
    spectra = np.ascontiguousarray(spectra.transpose(3, 4, 0, 1, 2))

    def run(input):
        check_input(problem, input)
        padded = np.zeros((n, problem.in_channels, rows, columns), accumulator)
        image, exponent = _normalised(input.astype(accumulator))
        padded[:, :, top : top + problem.height, left : left + problem.width] = image
        transformed = scipy.fft.rfft2(padded).reshape(n, g, per_group, *frequencies)
        product = spectra @ transformed.transpose(3, 4, 1, 2, 0)  # (*frequencies, G, O/G, N)
        full = scipy.fft.irfft2(product.transpose(4, 2, 3, 0, 1).reshape(n, o, *frequencies), (rows, columns))
        picked = np.ldexp(full[:, :, : oh * sh : sh, : ow * sw : sw], exponent + weight_exponent)
        return (picked + offset).astype(problem.dtype, order="C")

    return run


def _normalised(values):
    """(values / 2^e, e) with the largest magnitude near 1, so that no transform leaves the range of its dtype."""
    exponent = np.frexp(np.abs(values).max())[1]
    return np.ldexp(values, -exponent), exponent
