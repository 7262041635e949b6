"""One matrix product for each element of the kernel, and no unfolding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES, Array
from convgauge.problem import Problem


@implementation(
    framework="numpy",
    algorithm="kn2row",
    source="Vasudevan, Anderson and Gregg 2017, Parallel multi channel convolution using general matrix multiplication",
)
def numpy_kn2row(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Add up one shifted 1x1 convolution per element of the kernel: matrix products without im2col.

    A convolution is the sum of KH KW convolutions with 1x1 kernels, each on a shifted image. With the padded rows laid
    end to end, a shift in two dimensions is a shift in one, so each 1x1 kernel multiplies a contiguous run of the image
    where it lies; the columns in which a row runs into the next are computed too, and cut off. For a stride the image
    is first split into its phases, sh sw images each of which needs only stride 1.

    Cost: N O OH (OW + (extent - 1)/stride) K products in KH KW matrix products of inner size C/G, and as many additions
    of the output. Workspace: one padded image and two outputs.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return prepare(problem, weight, bias)(input)


@numpy_kn2row.prepare
def prepare(problem: Problem, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """Return the convolution of one layer, with the filters laid out for its matrix products."""
    o, g, per_group = problem.out_channels, problem.groups, problem.in_channels // problem.groups
    accumulator = DTYPES[problem.dtype].accumulator
    (sh, sw), (dh, dw), (oh, ow) = problem.stride, problem.dilation, problem.output_size
    rows, columns = oh + (problem.extent[0] - 1) // sh, ow + (problem.extent[1] - 1) // sw

    filters = weight.transpose(2, 3, 0, 1).reshape(*problem.kernel, g, o // g, per_group).astype(accumulator, order="C")
    offset = None if bias is None else bias.astype(accumulator)[:, None, None]

    def split(image: Array) -> dict[tuple[int, int], Array]:
        """Return the phases (G, C/G, pixels) of an image by (row, column) modulo the stride, each with one more row."""
        padded = np.pad(image.astype(accumulator), ((0, 0), *problem.pads))
        phases: dict[tuple[int, int], Array] = {}
        for row, column in {(i * dh % sh, j * dw % sw) for i, j in np.ndindex(*problem.kernel)}:
            phase = padded[:, row::sh, column::sw][:, :rows, :columns]
            laid = np.zeros((problem.in_channels, rows + 1, columns), accumulator)
            laid[:, : phase.shape[1], : phase.shape[2]] = phase
            phases[row, column] = laid.reshape(g, per_group, (rows + 1) * columns)
        return phases

    def run(input: Array) -> Array:
        check_input(problem, input)
        output = np.empty(problem.output_shape, accumulator)
        for image, result in zip(input, output, strict=True):
            phases = split(image)
            total = np.zeros((g, o // g, oh * columns), accumulator)
            for i, j in np.ndindex(*problem.kernel):
                first = i * dh // sh * columns + j * dw // sw
                total += filters[i, j] @ phases[i * dh % sh, j * dw % sw][:, :, first : first + oh * columns]
            result[...] = total.reshape(o, oh, columns)[:, :, :ow]
        if offset is not None:
            output += offset
        return output.astype(problem.dtype, copy=False)

    return run
