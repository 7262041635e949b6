"""A Numba kernel: the seven loops of the definition, compiled.

    convgauge check examples/numba_kernel.py --tier quick

`resolve` reads the arguments as conv2d does (numbers, pairs, 'same') and rejects what conv2d rejects, so that the
function contains only its loops. The decorator makes ``:function`` and ``--framework`` unnecessary on the command line.
"""

import numba
import numpy as np

from convgauge import implementation
from convgauge.arguments import resolve


@implementation(framework="numpy", algorithm="direct", dtypes=("float64", "float32"))
def numba_loops(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compute one sum per output, over channels and kernel, without the products outside the input."""
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, ("float64", "float32"))
    (top, _), (left, _) = problem.pads
    output = np.empty(problem.output_shape, input.dtype)
    start = np.zeros(problem.out_channels, input.dtype) if bias is None else bias
    convolve(input, weight, start, problem.stride, (top, left), problem.dilation, problem.groups, output)
    return output


@numba.njit
def convolve(input, weight, start, stride, corner, dilation, groups, output):
    batch, outputs, rows, columns = output.shape
    _, channels, height, width = weight.shape
    for n in range(batch):
        for o in range(outputs):
            first = o // (outputs // groups) * channels  # the first input channel of this output's group
            for y in range(rows):
                for x in range(columns):
                    total = start[o]
                    for i in range(height):
                        row = y * stride[0] + i * dilation[0] - corner[0]
                        if row < 0 or row >= input.shape[2]:
                            continue
                        for j in range(width):
                            column = x * stride[1] + j * dilation[1] - corner[1]
                            if column < 0 or column >= input.shape[3]:
                                continue
                            for c in range(channels):
                                total += input[n, first + c, row, column] * weight[o, c, i, j]
                    output[n, o, y, x] = total
