"""The definition of a convolution, literally."""

from __future__ import annotations

import numpy as np

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, resolve
from convgauge.dtypes import Array


@implementation(
    framework="numpy",
    algorithm="direct",
    source="Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, chapters 2 and 5",
)
def naive_loops(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Compute the definition by seven nested loops in plain Python, to be read.

    Each output is the bias plus the sum of K = C/G KH KW products of a filter and the window of the zero-padded input
    that starts at (y stride, x stride). The kernel is not flipped. Python's own numbers add up: float64 for every
    floating dtype, rounded once when the output is stored.

    Cost: N O OH OW K products, one at a time. Workspace: the padded input as nested lists.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    image = np.pad(input, ((0, 0), (0, 0), *problem.pads)).tolist()
    filters = weight.tolist()
    offsets = [0] * problem.out_channels if bias is None else bias.tolist()
    per_group, out_per_group = problem.in_channels // problem.groups, problem.out_channels // problem.groups
    (kh, kw), (sh, sw), (dh, dw) = problem.kernel, problem.stride, problem.dilation

    output = np.empty(problem.output_shape, dtype=problem.dtype)
    for n, o, y, x in np.ndindex(*output.shape):
        first = o // out_per_group * per_group
        total = offsets[o]
        for c in range(per_group):
            for i in range(kh):
                row = image[n][first + c][y * sh + i * dh]
                for j in range(kw):
                    total += row[x * sw + j * dw] * filters[o][c][i][j]
        output[n, o, y, x] = total
    return output
