"""Mechanisms that leave out, repeat or misread rows and columns at the border of the output or of the image."""

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

Index = tuple[slice, ...]

_ALL = slice(None)
_PLACES: dict[str, tuple[str, Index, Index]] = {
    "last_row": ("last row", (_ALL, _ALL, slice(-1, None)), (_ALL, _ALL, slice(-2, -1))),
    "last_column": ("last column", (_ALL, _ALL, _ALL, slice(-1, None)), (_ALL, _ALL, _ALL, slice(-2, -1))),
    "first_row": ("first row", (_ALL, _ALL, slice(0, 1)), (_ALL, _ALL, slice(1, 2))),
    "first_column": ("first column", (_ALL, _ALL, _ALL, slice(0, 1)), (_ALL, _ALL, _ALL, slice(1, 2))),
}
"""Places at the border by slug: words, index, and index of the neighbours."""

_TAIL = MechanismKind.TAIL_DROPPED


def cleared(planes: Array, index: Index) -> Array:
    """Return planes with zeros at an index."""
    planes = planes.copy()
    planes[index] = 0
    return planes


def _with_neighbour(planes: Array, index: Index, neighbour: Index) -> Array:
    planes = planes.copy()
    if planes[neighbour].size:
        planes[index] = planes[neighbour]
    return planes


def _with_bias(plan: Plan, index: Index) -> Plan:
    def change(output: Array) -> Array:
        blank = np.zeros_like(output) + plan.bias_planes
        output = output.copy()
        output[index] = blank[index]
        return output

    return plan.finish(change)


def _unwritten(index: Index, neighbour: Index, plan: Plan, sample: Sample) -> Plan | None:
    return plan.finish(lambda output: cleared(output, index))


def _bias_alone(index: Index, neighbour: Index, plan: Plan, sample: Sample) -> Plan | None:
    return None if plan.bias is None else _with_bias(plan, index)


def _repeated(index: Index, neighbour: Index, plan: Plan, sample: Sample) -> Plan | None:
    return plan.finish(lambda output: _with_neighbour(output, index, neighbour))


def _unread(index: Index, neighbour: Index, plan: Plan, sample: Sample) -> Plan | None:
    return replace(plan, input=cleared(plan.input, index))


_CHANGES: tuple[tuple[str, str, Callable[[Index, Index, Plan, Sample], Plan | None], float], ...] = (
    ("output_{}_unwritten", "output: the {} is left at zero", _unwritten, 1.0),
    ("output_{}_bias_alone", "output: the {} holds the bias alone", _bias_alone, 1.2),
    ("output_{}_repeated", "output: the {} repeats its neighbour", _repeated, 1.2),
    ("image_{}_unread", "image: the {} is read as zeros", _unread, 1.1),
)
"""Changes at each place: slug, sentence, function and cost."""

for _slug, (_words, _index, _neighbour) in _PLACES.items():
    for _name, _sentence, _change, _cost in _CHANGES:
        _at_place = partial(_change, _index, _neighbour)
        declare(Mechanism(_name.format(_slug), _TAIL, _sentence.format(_words), _at_place, _cost))


@mechanism(_TAIL, "output: the border is left at zero", cost=1.3)
def output_border_unwritten(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outermost rows and columns of the output are not written."""

    def change(output: Array) -> Array:
        inner = np.zeros_like(output)
        inner[:, :, 1:-1, 1:-1] = output[:, :, 1:-1, 1:-1]
        return inner

    return plan.finish(change)


@mechanism(_TAIL, "output: the last row and the last column are left at zero", cost=1.2)
def output_last_lines_unwritten(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose last row and last column of the output are not written."""
    return plan.finish(lambda output: cleared(cleared(output, _PLACES["last_row"][1]), _PLACES["last_column"][1]))


@mechanism(_TAIL, "output: the last element of each plane is left at zero", cost=1.2)
def output_last_element_unwritten(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose last output of each plane is not written."""
    return plan.finish(lambda output: cleared(output, (_ALL, _ALL, slice(-1, None), slice(-1, None))))


@mechanism(MechanismKind.TILE_BORDER, "output: the last column holds the first one of the next row", cost=1.1)
def output_last_column_of_next_row(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose last output of a row is the first of the next row."""

    def change(output: Array) -> Array:
        output = output.copy()
        output[..., :-1, -1] = output[..., 1:, 0]
        return output

    return plan.finish(change)


@mechanism(MechanismKind.TILE_BORDER, "output: the first column holds the last one of the previous row", cost=1.1)
def output_first_column_of_previous_row(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose first output of a row is the last of the previous row."""

    def change(output: Array) -> Array:
        output = output.copy()
        output[..., 1:, 0] = output[..., :-1, -1]
        return output

    return plan.finish(change)
