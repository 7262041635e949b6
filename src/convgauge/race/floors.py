"""Floors: times below what the machine can do, which no implementation can have that computes its output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from convgauge.problem import Problem
from convgauge.race.formats import format_seconds
from convgauge.race.workload import Workload
from convgauge.results import LimitRecord

TOLERANCE = 2.0
"""Factor by which a kernel may exceed a measured limit: other programs may have run while that was measured, and no
matrix product reaches the processor's peak."""

WINOGRAD_SAVING = 81 / 16
"""Products of the definition over those of Winograd's F(6x6, 3x3), the fastest in use: (6 * 3 / (6 + 3 - 1))**2."""

FAST_ALGORITHMS = ("fft", "winograd", "strassen")
"""Beginnings of the names of algorithms that make fewer products than the definition."""


@dataclass(frozen=True)
class Floors:
    """Limits of the machine: FLOP/s of matrix products by dtype, and bytes/s of a copy, read and written.

    An unknown limit is absent, or 0.
    """

    flops_per_s: dict[str, float] = field(default_factory=dict)
    bytes_per_s: float = 0.0

    @classmethod
    def of(cls, limits: Sequence[LimitRecord]) -> Floors:
        """Return the floors of measured limits."""
        flops = {limit.dtype: limit.value for limit in limits if limit.what == "matmul"}
        return cls(flops, next((limit.value for limit in limits if limit.what == "copy"), 0.0))

    def violation(
        self, work: Workload, seconds: float, algorithm: str, *, baseline_s: float = math.inf, is_cold: bool = False
    ) -> str:
        """Return a sentence if a time is below a floor; "" otherwise.

        Parameters
        ----------
        work : Workload
            Problem of the race, and its direction.
        seconds : float
            Seconds of one call.
        algorithm : str
            Algorithm that is declared, or empty.
        baseline_s : float
            Seconds of a call of the baseline, whose rate the machine can do.
        is_cold : bool
            True if operands come from memory; the bytes of operands in a cache have no floor.
        """
        problem, measured = work.problem, self.flops_per_s.get(work.problem.dtype, 0.0)
        peak = TOLERANCE * max(measured, work.flops / baseline_s) if measured else 0.0
        flops = work.flops / possible_saving(problem, algorithm)
        if peak and seconds < flops / peak:
            return (
                f"a call takes {format_seconds(seconds)}, and its products alone would take"
                f" {format_seconds(TOLERANCE * flops / peak)} at the measured peak: it cannot have computed them"
            )
        bandwidth = self.bytes_per_s * TOLERANCE
        if is_cold and bandwidth and seconds < problem.least_bytes / bandwidth:
            return (
                f"a call takes {format_seconds(seconds)}, and reading its operands alone would take"
                f" {format_seconds(TOLERANCE * problem.least_bytes / bandwidth)} at the measured bandwidth"
            )
        return ""


def possible_saving(problem: Problem, algorithm: str) -> float:
    """Return the factor by which an implementation may make fewer products than the definition.

    It is infinite for an algorithm that declares to make fewer, and 1 for one that declares a direct sum. Without a
    declaration, it is that of Winograd's algorithm where that applies, and infinite for larger kernels, for which FFTs
    have no such bound.
    """
    if algorithm.startswith(FAST_ALGORITHMS):
        return float("inf")
    is_pointwise, is_strided = max(problem.kernel) == 1, max(*problem.stride, *problem.dilation) > 1
    if algorithm or is_pointwise or is_strided:
        return 1.0
    return WINOGRAD_SAVING if max(problem.kernel) <= 3 else float("inf")
