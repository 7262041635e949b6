"""Mechanisms that read an operand without its strides, its offset, its byte order or its pending negation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.memory_image import Elements, MemoryImage
from convgauge.diagnosis.plan import Plan, TooExpensiveError
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array
from convgauge.worker.call import OPERANDS

Misreading = Callable[[Array, str], Elements | None]
"""Function of the values and the layout of an operand that returns what is read; None if that is right."""


def strides_ignored(values: Array, layout: str) -> Elements | None:
    """Return the elements from the address of the first one, as of a contiguous array."""
    memory = MemoryImage.of(values, layout)
    return None if memory is None else memory.read(memory.start, memory.dense_steps)


def strides_and_offset_ignored(values: Array, layout: str) -> Elements | None:
    """Return the elements from the start of the buffer, as of a contiguous array."""
    memory = MemoryImage.of(values, layout)
    return None if memory is None else memory.read(0, memory.dense_steps)


def offset_ignored(values: Array, layout: str) -> Elements | None:
    """Return the elements from the start of the buffer, with the operand's strides."""
    memory = MemoryImage.of(values, layout)
    return None if memory is None or min(memory.steps) < 0 else memory.read(0, memory.steps)


def inner_strides_only(values: Array, layout: str) -> Elements | None:
    """Return the elements of an operand of which only the strides of rows and columns are followed."""
    memory = MemoryImage.of(values, layout)
    if memory is None or values.ndim != 4:
        return None
    (_, channels, rows, _), (_, _, row_step, column_step) = memory.shape, memory.steps
    plane = rows * row_step
    return memory.read(memory.start, (channels * plane, plane, row_step, column_step))


def outer_strides_only(values: Array, layout: str) -> Elements | None:
    """Return the elements of an operand whose planes are read as contiguous ones."""
    memory = MemoryImage.of(values, layout)
    if memory is None or values.ndim != 4:
        return None
    return memory.read(memory.start, (*memory.steps[:2], memory.shape[3], 1))


def row_strides_ignored(values: Array, layout: str) -> Elements | None:
    """Return the elements of an operand whose columns are read one element apart."""
    memory = MemoryImage.of(values, layout)
    return None if memory is None or values.ndim != 4 else memory.read(memory.start, (*memory.steps[:3], 1))


def is_reversed(layout: str) -> bool:
    """Return True if a layout is reversed along every axis."""
    return layout.endswith("negative")


def signs_of_strides_ignored(values: Array, layout: str) -> Elements | None:
    """Return the elements in the order of their addresses along every axis."""
    return Elements(values[tuple(slice(None, None, -1) for _ in values.shape)]) if is_reversed(layout) else None


def sign_of_last_stride_ignored(values: Array, layout: str) -> Elements | None:
    """Return the elements in the order of their addresses along the last axis."""
    is_negative = is_reversed(layout) or layout == "reversed_columns"
    return Elements(values[..., ::-1]) if is_negative and values.ndim > 1 else None


def signs_of_inner_strides_ignored(values: Array, layout: str) -> Elements | None:
    """Return the elements in the order of their addresses along rows and columns."""
    return Elements(values[..., ::-1, ::-1]) if is_reversed(layout) and values.ndim > 1 else None


def byte_order_ignored(values: Array, layout: str) -> Elements | None:
    """Return the elements with their bytes in the other order."""
    return Elements(values.byteswap()) if layout == "bigendian" else None


def alignment_assumed(values: Array, layout: str) -> Elements | None:
    """Return the elements at the address before an unaligned one that is aligned."""
    if layout != "unaligned":
        return None
    shifted = bytes(1) + values.tobytes()[:-1]
    return Elements(np.frombuffer(shifted, values.dtype).reshape(values.shape)) if values.size else None


def negation_ignored(values: Array, layout: str) -> Elements | None:
    """Return the opposite elements, which are marked as to be negated."""
    return Elements(-values) if layout == "negated" else None


def conjugation_ignored(values: Array, layout: str) -> Elements | None:
    """Return the conjugate elements, which are marked as to be conjugated."""
    return Elements(values.conj()) if layout == "conjugated" else None


MISREADINGS: dict[Misreading, tuple[str, float]] = {
    strides_ignored: ("strides are ignored, it is read as contiguous from its first element", 1.0),
    strides_and_offset_ignored: ("strides and offset are ignored, it is read from the start of its buffer", 1.1),
    offset_ignored: ("the offset in its buffer is ignored", 1.1),
    inner_strides_only: ("strides of images and channels are ignored", 1.1),
    outer_strides_only: ("strides of rows and columns are ignored", 1.1),
    row_strides_ignored: ("the stride of its columns is ignored", 1.1),
    signs_of_strides_ignored: ("negative strides are read as positive", 1.0),
    sign_of_last_stride_ignored: ("the negative stride of its columns is read as positive", 1.05),
    signs_of_inner_strides_ignored: ("negative strides of its rows and columns are read as positive", 1.05),
    byte_order_ignored: ("foreign byte order is ignored", 1.0),
    alignment_assumed: ("an unaligned address is rounded down", 1.0),
    negation_ignored: ("a pending negation is ignored", 1.0),
    conjugation_ignored: ("a pending conjugation is ignored", 1.0),
}
"""Ways to misread an operand, with their words after the operand's name and their cost."""


def _determined(plan: Plan, sample: Sample, elements: Elements) -> Plan:
    """Return a plan, or one without a prediction if it depends on memory that is not determined, and not zero."""
    if elements.is_determined or sample.fault is None or sample.fits(plan):
        return plan
    return plan.finish(_not_predicted)


def _not_predicted(output: Array) -> Array:
    """Raise the exception of an output that is not computed."""
    raise TooExpensiveError


def _declare(operand: str, number: int, misread: Misreading, words: str, cost: float) -> None:
    """Declare the mechanism of an operand that is misread."""

    def change(plan: Plan, sample: Sample) -> Plan | None:
        values, current = getattr(sample.call, operand), getattr(plan, operand)
        if values is None:
            return None
        elements = misread(values, sample.call.layouts[number])
        if elements is None:
            return None
        with np.errstate(invalid="ignore"):
            changes: dict[str, Any] = {operand: elements.values.astype(current.dtype)}
        return _determined(replace(plan, **changes), sample, elements)

    change.__name__ = f"{operand}_{misread.__name__}"
    kind = MechanismKind.SIGN_LOST if misread is conjugation_ignored else MechanismKind.LAYOUT_ASSUMED
    mechanism(kind, f"{operand}: {words}", cost=cost)(change)


OF_IMAGES = (
    inner_strides_only, outer_strides_only, row_strides_ignored, sign_of_last_stride_ignored,
    signs_of_inner_strides_ignored,
)  # fmt: skip
"""Misreadings of operands of four axes."""

for _number, _operand in enumerate(OPERANDS):
    for _misread, (_words, _cost) in MISREADINGS.items():
        if _operand != "bias" or _misread not in OF_IMAGES:
            _declare(_operand, _number, _misread, _words, _cost)
