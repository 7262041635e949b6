"""OpenCV's image filter, one plane at a time."""

from __future__ import annotations

import cv2
import numpy as np

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, resolve
from convgauge.dtypes import DTYPES, Array

SIDE = 7  # for kernels of 50 elements (130 in float32), filter2D uses an FFT, whose errors are of another kind


@implementation(
    framework="numpy",
    algorithm="direct",
    dtypes=("float64", "float32", "float16"),
    source="OpenCV documentation, Image filtering, filter2D",
    declines={
        "dtype": "real floating dtypes only: filter2D takes no wide integers and no complex numbers",
        "values": "NaN or infinite input under zero weights, which filter2D leaves out",
    },
)
def opencv_filter2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Sum cv2.filter2D of each pair of input and output plane: for images of few channels.

    filter2D does not flip its kernel either. It is applied to the padded plane; outputs beyond the border are cut off,
    and a stride picks from the rest. A dilated kernel is the same kernel with zeros between its elements, which
    filter2D skips. Larger kernels are applied in pieces of 7x7, each on the plane moved accordingly.

    Cost: N O C/G (padded plane) KH KW products, whatever the stride. Workspace: one padded image and one plane.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, opencv_filter2d.declaration.dtypes)
    if not (weight.all() or np.isfinite(input).all()):
        raise NotImplementedError("input is not finite and weight holds zeros, which filter2D leaves out")
    per_group, out_per_group = problem.in_channels // problem.groups, problem.out_channels // problem.groups
    accumulator = DTYPES[problem.dtype].accumulator
    (sh, sw), (dh, dw), (oh, ow), (eh, ew) = problem.stride, problem.dilation, problem.output_size, problem.extent

    padded = np.pad(input.astype(accumulator), ((0, 0), (0, 0), *problem.pads))
    spaced = np.zeros((*weight.shape[:2], eh, ew), accumulator)
    spaced[:, :, ::dh, ::dw] = weight
    output = np.zeros(problem.output_shape, accumulator)
    for n, o, c in np.ndindex(problem.batch, problem.out_channels, per_group):
        plane = padded[n, o // out_per_group * per_group + c]
        for i, j in np.ndindex(-(-eh // SIDE), -(-ew // SIDE)):
            piece = spaced[o, c, i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE]
            moved = plane[i * SIDE :, j * SIDE :]
            filtered = cv2.filter2D(moved, -1, piece, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
            output[n, o] += filtered[: oh * sh : sh, : ow * sw : sw]
    if bias is not None:
        output += bias.astype(accumulator)[:, None, None]
    return output.astype(problem.dtype, copy=False)
