"""The convolution theorem, as it is written in textbooks."""

from __future__ import annotations

import numpy as np

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, resolve
from convgauge.dtypes import DTYPES, Array


@implementation(
    framework="numpy",
    algorithm="fft",
    dtypes=("float64", "float32", "float16", "complex64", "complex128"),
    source="Oppenheim and Schafer, Discrete-time signal processing, section 8.7; numpy.fft",
    declines={"dtype": "integers: the transforms round"},
)
def numpy_fft(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Apply the convolution theorem in a few lines: transform, multiply, sum over the channels, transform back.

    The convolution of deep learning does not flip the kernel, so the kernel is flipped here, and the theorem flips it
    back; the outputs then begin extent - 1 later. Image and kernel are transformed at the padded image's size: sums
    that wrap around fall on outputs that are cut off. Stride picks from all of stride 1's outputs.

    Cost: O((N C + O C/G + N O) P log P) and N O C/G P complex products for P padded pixels, whatever the kernel's size.
    Workspace: the spectra of input, filters and output, (N C + O C/G + N O) P elements.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, numpy_fft.declaration.dtypes)
    n, o, g, per_group = problem.batch, problem.out_channels, problem.groups, problem.in_channels // problem.groups
    accumulator = DTYPES[problem.dtype].accumulator
    (sh, sw), (dh, dw), (eh, ew) = problem.stride, problem.dilation, problem.extent
    is_complex = DTYPES[problem.dtype].kind == "c"
    forward, backward = (np.fft.fft2, np.fft.ifft2) if is_complex else (np.fft.rfft2, np.fft.irfft2)
    output = np.zeros(problem.output_shape, accumulator)

    if output.size and input.size:
        image, exponent = _normalised(np.pad(input.astype(accumulator), ((0, 0), (0, 0), *problem.pads)))
        filters, weight_exponent = _normalised(weight.astype(accumulator))
        spaced = np.zeros((o, per_group, eh, ew), accumulator)
        spaced[:, :, ::dh, ::dw] = filters
        spectra = forward(spaced[:, :, ::-1, ::-1], image.shape[2:])
        spectra = spectra.reshape(g, o // g, per_group, *spectra.shape[2:])
        for index in range(n):
            transformed = forward(image[index]).reshape(g, 1, per_group, *spectra.shape[3:])
            product = (transformed * spectra).sum(axis=2).reshape(o, *spectra.shape[3:])
            full = backward(product, image.shape[2:])[:, eh - 1 :: sh, ew - 1 :: sw]
            output[index] = full * 2.0 ** min(exponent, weight_exponent) * 2.0 ** max(exponent, weight_exponent)
    if bias is not None:
        output += bias.astype(accumulator)[:, None, None]
    return output.astype(problem.dtype, copy=False)


def _normalised(values: Array) -> tuple[Array, int]:
    """Return values / 2^e, with a largest magnitude near 1 so that no transform overflows, and e."""
    limit = np.finfo(values.dtype).maxexp - 1
    exponent = max(-limit, min(limit, int(np.frexp(np.abs(values).max())[1])))
    return values * 2.0**-exponent, exponent
