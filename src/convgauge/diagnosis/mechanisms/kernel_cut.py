"""Mechanisms that use the first rows, columns or elements of the kernel alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family, mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.trial import failing_calls, predicting
from convgauge.reference.operands import Array

_TAIL = MechanismKind.TAIL_DROPPED

BYTE = 255
"""Rows, columns or elements from which a cut is that of an index of 8 bits."""

MAX_PROPOSED = 12


def _cut(kernel: Array, rows: int | None, columns: int | None) -> Array:
    """Return a kernel with zeros beyond some rows and columns."""
    cut = np.zeros_like(kernel)
    cut[..., :rows, :columns] = kernel[..., :rows, :columns]
    return cut


def _beyond(rows: int | None, columns: int | None, plan: Plan, sample: Sample) -> Plan | None:
    height, width = plan.weight.shape[2:]
    if (rows or height) >= height and (columns or width) >= width:
        return None
    return replace(plan, weight=_cut(plan.weight, rows, columns))


def _beyond_taps(count: Callable[[int], int], plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan that uses the first elements of each kernel alone."""
    height, width = plan.weight.shape[2:]
    if count(height * width) >= height * width:
        return None
    flat = plan.weight.reshape(*plan.weight.shape[:2], height * width).copy()
    flat[..., count(height * width) :] = 0
    return replace(plan, weight=flat.reshape(plan.weight.shape))


def _first(number: int) -> Callable[[int], int]:
    return lambda taps: number


def _multiple(block: int) -> Callable[[int], int]:
    return lambda taps: taps // block * block


_LINES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256)
_COUNTS = (8, 9, 12, 16, 24, 25, 27, 32, 36, 49, 64, 81, 121, 128, 225, 255, 256, 1024)
_BLOCKS = (2, 4, 8, 16)


@family
def kernel_cut(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield numbers of rows, columns and elements of which failing kernels have more."""
    failing = failing_calls(samples)
    return predicting(_cuts(failing), failing, MAX_PROPOSED)


def _cuts(failing: Sequence[Sample]) -> Iterator[Mechanism]:
    height = max((sample.problem.kernel[0] for sample in failing), default=0)
    width = max((sample.problem.kernel[1] for sample in failing), default=0)
    for n in (n for n in _LINES if n < max(height, width)):
        kind = MechanismKind.INDEX_OVERFLOW if n >= BYTE else _TAIL
        yield Mechanism(
            f"kernel_beyond_{n}", kind, f"kernel: rows and columns after the first {n} dropped", partial(_beyond, n, n)
        )
        yield Mechanism(
            f"kernel_rows_beyond_{n}", kind, f"kernel: rows after the first {n} dropped", partial(_beyond, n, None), 1.1
        )
        yield Mechanism(
            f"kernel_columns_beyond_{n}", kind, f"kernel: columns after the first {n} dropped",
            partial(_beyond, None, n), 1.1,
        )  # fmt: skip
    for n in (n for n in _COUNTS if n < height * width):
        kind = MechanismKind.INDEX_OVERFLOW if n >= BYTE else _TAIL
        yield Mechanism(
            f"kernel_taps_beyond_{n}", kind, f"kernel: elements after the first {n} dropped",
            partial(_beyond_taps, _first(n)), 1.2,
        )  # fmt: skip
    for n in _BLOCKS:
        yield Mechanism(
            f"kernel_taps_after_multiple_of_{n}", _TAIL,
            f"kernel: elements after the last multiple of {n} dropped",
            partial(_beyond_taps, _multiple(n)), 1.2,
        )  # fmt: skip


def _square(plan: Plan, size: int) -> Plan | None:
    """Return the plan with zeros beyond the square of a size at the start of the kernel."""
    height, width = plan.weight.shape[2:]
    return replace(plan, weight=_cut(plan.weight, size, size)) if max(height, width) > size else None


@mechanism(MechanismKind.AXIS_SHARED, "kernel: taken as square with its height", cost=1.1)
def kernel_square_by_height(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan that uses as many columns of the kernel as it has rows."""
    return _square(plan, plan.weight.shape[2])


@mechanism(MechanismKind.AXIS_SHARED, "kernel: taken as square with its width", cost=1.1)
def kernel_square_by_width(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan that uses as many rows of the kernel as it has columns."""
    return _square(plan, plan.weight.shape[3])
