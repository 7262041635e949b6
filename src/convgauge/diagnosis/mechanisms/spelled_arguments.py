"""Mechanisms that misread an argument because of its spelling: one number, a list of one, left out, by position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.pairs import PAIR_ARGUMENTS, PairArgument, Values, both_sides
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.readings import declare_reading, reading
from convgauge.diagnosis.sample import Sample

_MISREAD = MechanismKind.ARGUMENT_MISREAD

SPECIFIC_COST = 0.8
"""Cost of a mechanism of one spelling: below that of the same change whatever the spelling, which says less."""


def _is_one_number(value: Any) -> bool:  # noqa: ANN401 an argument as the caller passes it
    return isinstance(value, (int, np.integer))


def _is_list_of_one(value: Any) -> bool:  # noqa: ANN401 an argument as the caller passes it
    return isinstance(value, (list, tuple)) and len(value) == 1


_SPELLINGS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "number": ("a single number", _is_one_number),
    "list_of_one": ("a list or tuple of one number", _is_list_of_one),
}


def _is_left_out(sample: Sample, name: str) -> bool:
    return name not in sample.call.arguments


def _for_one_axis(
    argument: PairArgument, has_form: Callable[[Any], bool], axis: int, plan: Plan, sample: Sample
) -> Plan | None:
    if not has_form(sample.call.arguments.get(argument.name)):
        return None
    values = argument.of(plan)
    one_axis: Values = (values[0], argument.default) if axis == 0 else (argument.default, values[1])
    return argument.put(plan, one_axis)


def _declare(argument: PairArgument) -> None:
    for slug, (words, has_form) in _SPELLINGS.items():
        for axis, side, pair in ((0, "rows", "(number, {})"), (1, "columns", "({}, number)")):
            default = 0 if argument.name == "padding" else 1
            declare_reading(
                f"{argument.name}_{slug}_for_{side}", _MISREAD,
                f"{argument.name}: {words} is read as {pair.format(default)}",
                partial(_for_one_axis, argument, has_form, axis), SPECIFIC_COST,
            )  # fmt: skip


for _argument in PAIR_ARGUMENTS:
    _declare(_argument)


@reading(_MISREAD, "padding: 1 if it is left out", cost=SPECIFIC_COST)
def default_padding_of_one(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with a padding of 1 if the call names none."""
    return replace(plan, pads=((1, 1), (1, 1))) if _is_left_out(sample, "padding") else None


@reading(_MISREAD, "padding: half the kernel's size if it is left out", cost=SPECIFIC_COST)
def default_padding_of_half_kernel(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with half the kernel as padding if the call names none."""
    rows, columns = plan.weight.shape[2:]
    return replace(plan, pads=both_sides((rows // 2, columns // 2))) if _is_left_out(sample, "padding") else None


@reading(_MISREAD, "stride: the kernel's size if it is left out, as for pooling", cost=SPECIFIC_COST)
def default_stride_of_kernel(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the kernel's size as stride if the call names none."""
    rows, columns = plan.weight.shape[2:]
    return replace(plan, stride=(rows, columns)) if _is_left_out(sample, "stride") else None


@reading(_MISREAD, "stride: 2 if it is left out", cost=SPECIFIC_COST)
def default_stride_of_two(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with a stride of 2 if the call names none."""
    return replace(plan, stride=(2, 2)) if _is_left_out(sample, "stride") else None


@reading(_MISREAD, "dilation: 2 if it is left out", cost=SPECIFIC_COST)
def default_dilation_of_two(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with a dilation of 2 if the call names none."""
    return replace(plan, dilation=(2, 2)) if _is_left_out(sample, "dilation") else None


@mechanism(_MISREAD, "bias: one for each output channel if it is left out", cost=SPECIFIC_COST)
def default_bias_of_one(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with a bias of ones if the call names none."""
    return replace(plan, bias=np.ones(plan.weight.shape[0])) if sample.call.mode == "without_bias" else None


def _only_by_position(change: Callable[[Plan], Plan | None], plan: Plan, sample: Sample) -> Plan | None:
    return change(plan) if sample.call.mode == "by_position" else None


_POSITIONS: dict[str, tuple[str, Callable[[Plan], Plan | None]]] = {
    "dilation_before_padding": (
        "dilation is taken before padding",
        lambda p: replace(p, pads=both_sides(p.dilation), dilation=(p.pads[0][0], p.pads[1][0])),
    ),
    "padding_before_stride": (
        "padding is taken before stride",
        lambda p: replace(p, pads=both_sides(p.stride), stride=(p.pads[0][0], p.pads[1][0])),
    ),
    "dilation_before_stride": (
        "stride and dilation have each other's place",
        lambda p: replace(p, stride=p.dilation, dilation=p.stride),
    ),
    "groups_before_dilation": (
        "groups are taken before dilation",
        lambda p: replace(p, dilation=(p.groups,) * 2, groups=p.dilation[0]),
    ),
}

for _slug, (_words, _change) in _POSITIONS.items():
    declare_reading(
        _slug, _MISREAD, f"arguments: {_words} if they are given by position",
        partial(_only_by_position, _change), SPECIFIC_COST, has_right_size=_slug != "groups_before_dilation",
    )  # fmt: skip
