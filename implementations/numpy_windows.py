"""Windows as a view, contracted with the filters in one call."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, resolve
from convgauge.dtypes import DTYPES, Array


@implementation(
    framework="numpy",
    algorithm="windows",
    source="numpy.lib.stride_tricks.sliding_window_view, numpy.tensordot",
)
def numpy_windows(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Contract a sliding-window view of the padded input with the filters: the shortest fast NumPy version.

    The view (N, C, OH, OW, KH, KW) costs nothing; stride and dilation are slices of it. `numpy.tensordot` over channels
    and kernel then copies it into a matrix and calls the BLAS, once per group.

    Cost: N O OH OW K products in a matrix product of inner size K = C/G KH KW. Workspace: the padded input and
    N OH OW K elements.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    accumulator = DTYPES[problem.dtype].accumulator
    padded = np.pad(input.astype(accumulator), ((0, 0), (0, 0), *problem.pads))
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    windows = sliding_window_view(padded, problem.extent, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    filters = weight.astype(accumulator)

    contracted = [  # (O/G, N, OH, OW) for each group
        np.tensordot(group_filters, group_windows, axes=((1, 2, 3), (1, 4, 5)))
        for group_filters, group_windows in zip(
            np.split(filters, problem.groups, axis=0), np.split(windows, problem.groups, axis=1), strict=True
        )
    ]
    output = np.concatenate(contracted).swapaxes(0, 1)
    if bias is not None:
        output += bias.astype(accumulator)[:, None, None]
    return output.astype(problem.dtype, order="C")
