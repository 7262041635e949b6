"""Mechanisms that skip or repeat elements of the kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, declare, mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

_TAIL, _SCALE = MechanismKind.TAIL_DROPPED, MechanismKind.WRONG_SCALE

Mask = Callable[[int, int], Array]
"""Function of rows and columns of a kernel that returns where an element is skipped or repeated."""


def _lines(rows: int, columns: int) -> tuple[Array, Array]:
    return np.arange(rows)[:, None] + np.zeros(columns, int), np.arange(columns) + np.zeros((rows, 1), int)


def _mask(condition: Callable[[Array, Array, int, int], Array]) -> Mask:
    """Return a mask from a condition on (row, column, rows, columns)."""
    return lambda rows, columns: condition(*_lines(rows, columns), rows, columns)


_TAPS: dict[str, tuple[str, Mask]] = {
    "last_tap": ("the last element", _mask(lambda i, j, h, w: (i == h - 1) & (j == w - 1))),
    "first_tap": ("the first element", _mask(lambda i, j, h, w: (i == 0) & (j == 0))),
    "centre": ("the centre", _mask(lambda i, j, h, w: (i == h // 2) & (j == w // 2))),
    "last_row": ("the last row", _mask(lambda i, j, h, w: i == h - 1)),
    "last_column": ("the last column", _mask(lambda i, j, h, w: j == w - 1)),
    "first_row": ("the first row", _mask(lambda i, j, h, w: i == 0)),
    "first_column": ("the first column", _mask(lambda i, j, h, w: j == 0)),
    "middle_row": ("the middle row", _mask(lambda i, j, h, w: i == h // 2)),
    "middle_column": ("the middle column", _mask(lambda i, j, h, w: j == w // 2)),
    "corners": ("the corners", _mask(lambda i, j, h, w: ((i == 0) | (i == h - 1)) & ((j == 0) | (j == w - 1)))),
    "lower_triangle": ("all below the diagonal", _mask(lambda i, j, h, w: i > j)),
    "odd_taps": ("each second element", _mask(lambda i, j, h, w: (i * w + j) % 2 == 1)),
    "off_cross": ("all outside the middle row and column", _mask(lambda i, j, h, w: (i != h // 2) & (j != w // 2))),
}
"""Parts of a kernel by slug: words, and where they are."""


def _masked(mask: Mask, factor: int, plan: Plan, sample: Sample) -> Plan | None:
    where = mask(*plan.weight.shape[2:])
    return replace(plan, weight=np.where(where, factor * plan.weight, plan.weight)) if where.any() else None


def _skipped(mask: Mask, plan: Plan, sample: Sample) -> Plan | None:
    where = mask(*plan.weight.shape[2:])
    return replace(plan, weight=np.where(where, np.zeros_like(plan.weight), plan.weight)) if where.any() else None


for _slug, (_words, _where) in _TAPS.items():
    declare(Mechanism(f"kernel_without_{_slug}", _TAIL, f"kernel: {_words} dropped", partial(_skipped, _where), 1.1))
    declare(
        Mechanism(f"kernel_{_slug}_twice", _SCALE, f"kernel: {_words} counted twice", partial(_masked, _where, 2), 1.2)
    )


@mechanism(MechanismKind.SIGN_LOST, "kernel: signs of the last column are lost", cost=1.3)
def kernel_last_column_unsigned(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the magnitudes of the kernel's last column."""
    weight = plan.weight.copy()
    weight[..., -1] = np.abs(weight[..., -1])
    return replace(plan, weight=weight)
