"""Wrong outputs of one failing sample, for statements about where they lie and how they differ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convgauge.diagnosis.features import Bools
from convgauge.problem import Problem
from convgauge.reference.operands import Array


@dataclass(frozen=True, eq=False)
class WrongOutputs:
    """Outputs of a call, of which some are wrong.

    Attributes
    ----------
    output, expected : numpy.ndarray
        Output and right output, of equal shape (images, channels, rows, columns).
    mask : numpy.ndarray
        Boolean array of the wrong outputs; at least one is True.
    problem : Problem
        Parameters of the call.
    tolerance : float
        Largest difference of two outputs that count as equal.
    """

    output: Array
    expected: Array
    mask: Bools
    problem: Problem
    tolerance: float

    @property
    def got(self) -> Array:
        """Values of the wrong outputs."""
        return self.output[self.mask]

    @property
    def right(self) -> Array:
        """Right values of the wrong outputs."""
        return self.expected[self.mask]

    def indices(self, axis: int) -> Array:
        """Return the indices along an axis at which some output is wrong."""
        others = tuple(other for other in range(self.mask.ndim) if other != axis)
        return np.flatnonzero(self.mask.any(axis=others))

    @cached_property
    def reads_padding(self) -> Bools:
        """True for each output whose receptive field reaches into the padding."""
        problem = self.problem
        rows, columns = (
            _reaches(*numbers)
            for numbers in zip(
                self.output.shape[2:], (problem.height, problem.width), problem.pads, problem.extent, problem.stride,
                strict=True,
            )
        )  # fmt: skip
        return np.broadcast_to(rows[:, None] | columns[None, :], self.output.shape)


def _reaches(count: int, size: int, pads: tuple[int, int], extent: int, stride: int) -> Bools:
    first = np.arange(count) * stride - pads[0]
    return np.asarray((first < 0) | (first + extent > size))
