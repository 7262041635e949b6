"""SciPy's n-dimensional image filter."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, resolve
from convgauge.dtypes import Array


@implementation(
    framework="numpy",
    algorithm="direct",
    dtypes=("float64", "float32", "float16"),
    source="scipy.ndimage.correlate",
    declines={
        "dtype": "real floating dtypes only: ndimage computes in float64, which does not hold every int64",
        "values": "NaN weights, and NaN or infinite input under zero weights: ndimage leaves both out",
    },
)
def scipy_ndimage(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Sum scipy.ndimage.correlate of each pair of input and output plane in float64: for images of few channels.

    ndimage centres the kernel and gives an output of the input's size, so the plane is padded first and the surplus is
    cut off; a stride picks from what remains. A dilated kernel is the same kernel with zeros between its elements,
    which ndimage leaves out. It also leaves out weights up to 2^-52, so that both operands are scaled by powers of two:
    the largest input is near 1, the largest weight near 2^500.

    Cost: N O C/G (padded plane) KH KW products, whatever the stride. Workspace: one padded image in float64.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, scipy_ndimage.declaration.dtypes)
    if np.isnan(weight).any():
        raise NotImplementedError("weight holds NaN, which ndimage leaves out")
    if not (weight.all() or np.isfinite(input).all()):
        raise NotImplementedError("input is not finite and weight holds zeros, which ndimage leaves out")
    per_group, out_per_group = problem.in_channels // problem.groups, problem.out_channels // problem.groups
    (sh, sw), (dh, dw), (oh, ow), (eh, ew) = problem.stride, problem.dilation, problem.output_size, problem.extent
    rows = slice(eh // 2, eh // 2 + (oh - 1) * sh + 1, sh)
    columns = slice(ew // 2, ew // 2 + (ow - 1) * sw + 1, sw)

    image, exponent = _scaled(input, 0)
    filters, weight_exponent = _scaled(weight, 500)
    padded = np.pad(image, ((0, 0), (0, 0), *problem.pads))
    spaced = np.zeros((*weight.shape[:2], eh, ew))
    spaced[:, :, ::dh, ::dw] = filters
    output = np.zeros(problem.output_shape)
    for n, o, c in np.ndindex(problem.batch, problem.out_channels, per_group):
        plane = padded[n, o // out_per_group * per_group + c]
        output[n, o] += ndimage.correlate(plane, spaced[o, c], mode="constant")[rows, columns]
    output = np.ldexp(output, exponent + weight_exponent)
    if bias is not None:
        output += bias.astype(np.float64)[:, None, None]
    return output.astype(problem.dtype, copy=False)


def _scaled(values: Array, to: int) -> tuple[Array, int]:
    """Return values / 2^e in float64, with a largest magnitude near 2^to, and e."""
    values = values.astype(np.float64)
    exponent = np.frexp(np.abs(values).max(initial=0.0))[1] - to
    return np.ldexp(values, -exponent), exponent
