"""Mechanisms that swap or flip the two axes of the kernel, the image or the output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, declare, mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.readings import reading
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array


@mechanism(MechanismKind.FLIPPED_KERNEL, "kernel: flipped along both axes, a true convolution")
def kernel_flipped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the kernel rotated by half a turn."""
    return replace(plan, weight=plan.weight[..., ::-1, ::-1])


@mechanism(MechanismKind.FLIPPED_KERNEL, "kernel: rotated by a quarter turn to the left", cost=1.1)
def kernel_rotated_left(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with a kernel rotated counterclockwise."""
    return replace(plan, weight=np.rot90(plan.weight, 1, (2, 3)))


@mechanism(MechanismKind.FLIPPED_KERNEL, "kernel: rotated by a quarter turn to the right", cost=1.1)
def kernel_rotated_right(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with a kernel rotated clockwise."""
    return replace(plan, weight=np.rot90(plan.weight, -1, (2, 3)))


@mechanism(MechanismKind.FLIPPED_KERNEL, "kernel: flipped along the height", cost=1.1)
def kernel_rows_flipped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the rows of the kernel in reverse order."""
    return replace(plan, weight=plan.weight[..., ::-1, :])


@mechanism(MechanismKind.FLIPPED_KERNEL, "kernel: flipped along the width", cost=1.1)
def kernel_columns_flipped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the columns of the kernel in reverse order."""
    return replace(plan, weight=plan.weight[..., ::-1])


@reading(MechanismKind.SWAPPED_AXES, "kernel: rows and columns are swapped")
def kernel_transposed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the kernel mirrored at its diagonal."""
    return replace(plan, weight=plan.weight.swapaxes(2, 3))


@reading(MechanismKind.SWAPPED_AXES, "image: rows and columns are swapped", cost=1.1)
def image_transposed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the image mirrored at its diagonal."""
    return replace(plan, input=plan.input.swapaxes(2, 3))


@mechanism(MechanismKind.SWAPPED_AXES, "output: rows and columns are swapped")
def output_transposed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the output mirrored at its diagonal."""
    return plan.finish(lambda output: output.swapaxes(2, 3))


@mechanism(MechanismKind.SWAPPED_AXES, "output: addressed column by column instead of row by row", cost=1.2)
def output_by_columns(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is written column by column into memory that holds rows."""
    return plan.finish(written_by_columns)


@reading(
    MechanismKind.SWAPPED_AXES, "arguments: height and width are swapped in stride, padding and dilation", cost=1.1
)
def all_arguments_swapped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with every pair in the order (width, height)."""
    return replace(plan, stride=plan.stride[::-1], pads=plan.pads[::-1], dilation=plan.dilation[::-1])


def column_by_column(planes: Array) -> Array:
    """Return planes (…, H, W) whose elements are read column by column from memory that holds rows."""
    height, width = planes.shape[2:]
    return np.ascontiguousarray(planes).reshape(*planes.shape[:2], width, height).swapaxes(2, 3)


def written_by_columns(planes: Array) -> Array:
    """Return planes (…, H, W) whose elements are written column by column into memory that holds rows."""
    return np.ascontiguousarray(planes.swapaxes(2, 3)).reshape(planes.shape)


def reshaped(planes: Array) -> Array:
    """Return planes (…, H, W) whose memory is read as planes (…, W, H)."""
    height, width = planes.shape[2:]
    return np.ascontiguousarray(planes).reshape(*planes.shape[:2], width, height)


_FLIPS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "flipped": ("rotated by half a turn", lambda planes: planes[..., ::-1, ::-1]),
    "rows_flipped": ("upside down", lambda planes: planes[..., ::-1, :]),
    "columns_flipped": ("mirrored from left to right", lambda planes: planes[..., ::-1]),
}

_ORDERS: dict[str, tuple[MechanismKind, str, Callable[[Array], Array]]] = {
    "by_columns": (MechanismKind.SWAPPED_AXES, "addressed column by column instead of row by row", column_by_column),
    "reshaped": (MechanismKind.SWAPPED_AXES, "height and width are swapped in its shape only", reshaped),
}


def _declare_on_input(slug: str, kind: MechanismKind, words: str, change: Callable[[Array], Array]) -> None:
    declare(
        Mechanism(f"image_{slug}", kind, f"image: {words}", lambda p, _: replace(p, input=change(p.input)), cost=1.2)
    )


def _declare_on_weight(slug: str, kind: MechanismKind, words: str, change: Callable[[Array], Array]) -> None:
    declare(
        Mechanism(f"kernel_{slug}", kind, f"kernel: {words}", lambda p, _: replace(p, weight=change(p.weight)), 1.1)
    )


def _declare_on_output(slug: str, kind: MechanismKind, words: str, change: Callable[[Array], Array]) -> None:
    declare(Mechanism(f"output_{slug}", kind, f"output: {words}", lambda p, _: p.finish(change), cost=1.2))


for _slug, (_words, _flip) in _FLIPS.items():
    _declare_on_input(_slug, MechanismKind.FLIPPED_KERNEL, _words, _flip)
    _declare_on_output(_slug, MechanismKind.FLIPPED_KERNEL, _words, _flip)
for _slug, (_kind, _words, _order) in _ORDERS.items():
    _declare_on_input(_slug, _kind, _words, _order)
    _declare_on_weight(_slug, _kind, _words, _order)
