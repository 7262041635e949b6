"""OpenCV's image filter, one plane at a time."""

import cv2
import numpy as np

from convgauge import implementation
from convgauge.arguments import resolve
from convgauge.dtypes import DTYPES

SIDE = 7  # filter2D turns to an FFT, whose errors are of another kind, from 50 elements of a kernel (130 in float32)


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
def opencv_filter2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """cv2.filter2D for each pair of input and output plane, summed: for images of few channels.

    filter2D does not flip its kernel either. It is given the padded plane; what it makes up beyond the border is cut
    off, and a stride picks from what remains. A dilated kernel is the same kernel with zeros between its elements,
    which filter2D skips. Larger kernels are applied in pieces of 7x7, each on the plane moved accordingly.

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
