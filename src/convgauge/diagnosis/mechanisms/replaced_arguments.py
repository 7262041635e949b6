"""Mechanisms that use one argument in the place of another, or combine two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.pairs import both_sides
from convgauge.diagnosis.plan import Pads, Plan
from convgauge.diagnosis.readings import declare_reading
from convgauge.diagnosis.sample import Sample
from convgauge.problem import Pair


def _kernel(plan: Plan) -> Pair:
    rows, columns = plan.weight.shape[2:]
    return rows, columns


def _before(plan: Plan) -> Pair:
    return plan.pads[0][0], plan.pads[1][0]


def _products(first: Pair, second: Pair) -> Pair:
    return first[0] * second[0], first[1] * second[1]


def _scaled(pads: Pads, factors: Pair) -> Pads:
    (above, below), (left, right) = pads
    rows, columns = factors
    return (above * rows, below * rows), (left * columns, right * columns)


def _half_kernel(plan: Plan) -> Pair:
    rows, columns = _kernel(plan)
    return rows // 2, columns // 2


def _half_extent(plan: Plan) -> Pair:
    return plan.extent[0] // 2, plan.extent[1] // 2


def _full(plan: Plan) -> Pair:
    return plan.extent[0] - 1, plan.extent[1] - 1


_READINGS: dict[str, tuple[str, Callable[[Plan], Plan]]] = {
    "stride_from_dilation": ("stride: the dilation is used", lambda p: replace(p, stride=p.dilation)),
    "stride_from_padding": ("stride: the padding is used", lambda p: replace(p, stride=_before(p))),
    "stride_from_kernel": ("stride: the kernel's size is used", lambda p: replace(p, stride=_kernel(p))),
    "stride_from_groups": ("stride: the number of groups is used", lambda p: replace(p, stride=(p.groups,) * 2)),
    "stride_times_dilation": (
        "stride: multiplied by the dilation", lambda p: replace(p, stride=_products(p.stride, p.dilation))
    ),
    "dilation_from_stride": ("dilation: the stride is used", lambda p: replace(p, dilation=p.stride)),
    "dilation_from_padding": ("dilation: the padding is used", lambda p: replace(p, dilation=_before(p))),
    "dilation_from_groups": ("dilation: the number of groups is used", lambda p: replace(p, dilation=(p.groups,) * 2)),
    "dilation_times_stride": (
        "dilation: multiplied by the stride", lambda p: replace(p, dilation=_products(p.dilation, p.stride))
    ),
    "padding_from_stride": ("padding: the stride is used", lambda p: replace(p, pads=both_sides(p.stride))),
    "padding_from_dilation": ("padding: the dilation is used", lambda p: replace(p, pads=both_sides(p.dilation))),
    "padding_half_kernel": (
        "padding: half the kernel's size is used", lambda p: replace(p, pads=both_sides(_half_kernel(p)))
    ),
    "padding_half_extent": (
        "padding: half the dilated kernel's extent is used", lambda p: replace(p, pads=both_sides(_half_extent(p)))
    ),
    "padding_full": (
        "padding: the kernel's extent less one is used, as for a full convolution",
        lambda p: replace(p, pads=both_sides(_full(p))),
    ),
    "padding_in_steps_of_dilation": (
        "padding: multiplied by the dilation", lambda p: replace(p, pads=_scaled(p.pads, p.dilation))
    ),
    "padding_in_steps_of_stride": (
        "padding: multiplied by the stride", lambda p: replace(p, pads=_scaled(p.pads, p.stride))
    ),
    "stride_and_dilation_exchanged": (
        "stride and dilation: exchanged", lambda p: replace(p, stride=p.dilation, dilation=p.stride)
    ),
    "stride_and_padding_exchanged": (
        "stride and padding: exchanged", lambda p: replace(p, stride=_before(p), pads=both_sides(p.stride))
    ),
    "padding_and_dilation_exchanged": (
        "padding and dilation: exchanged", lambda p: replace(p, dilation=_before(p), pads=both_sides(p.dilation))
    ),
}  # fmt: skip
"""Changes by slug: sentence and function of the plan."""


def _declare(slug: str, sentence: str, change: Callable[[Plan], Plan]) -> None:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        other = change(plan)
        arguments = (plan.stride, plan.pads, plan.dilation)
        return None if (other.stride, other.pads, other.dilation) == arguments else other

    declare_reading(slug, MechanismKind.ARGUMENT_MISREAD, sentence, changed, cost=1.2)


for _slug, (_sentence, _change) in _READINGS.items():
    _declare(_slug, _sentence, _change)
