"""The definition of a convolution in exact rational numbers, independent of the package's oracle."""

from __future__ import annotations

from fractions import Fraction

from convgauge.problem import Problem
from convgauge.reference.operands import Operands


def rational_output(problem: Problem, operands: Operands) -> list[list[list[list[Fraction]]]]:
    """Return the exact output as nested lists (N, O, OH, OW), by loops over the definition."""
    height, width = problem.output_size
    return [
        [
            [[_element(problem, operands, n, o, y, x) for x in range(width)] for y in range(height)]
            for o in range(problem.out_channels)
        ]
        for n in range(problem.batch)
    ]


def _element(problem: Problem, operands: Operands, n: int, o: int, y: int, x: int) -> Fraction:
    """Return one element of the output: the bias plus the sum of products over the receptive field."""
    (top, _), (left, _) = problem.pads
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    channels = problem.in_channels // problem.groups
    first = o // (problem.out_channels // problem.groups) * channels
    total = Fraction(0) if operands.bias is None else Fraction(float(operands.bias[o]))
    for c in range(channels):
        for i in range(problem.kernel[0]):
            for j in range(problem.kernel[1]):
                row, column = y * sh - top + i * dh, x * sw - left + j * dw
                if 0 <= row < problem.height and 0 <= column < problem.width:
                    value = Fraction(float(operands.input[n, first + c, row, column]))
                    total += value * Fraction(float(operands.weight[o, c, i, j]))
    return total
