"""Mechanisms that return the output with its axes in another order."""

from __future__ import annotations

from functools import partial

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, declare
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample

Axes = tuple[int, int, int, int]

_ORDERS: dict[str, tuple[str, Axes]] = {
    "batch_and_channels_swapped": ("batch and channels are swapped", (1, 0, 2, 3)),
    "channels_last": ("channels are the last axis", (0, 2, 3, 1)),
    "channels_between": ("channels are the third axis", (0, 2, 1, 3)),
    "batch_last": ("the batch is the last axis", (1, 2, 3, 0)),
}
"""Orders by slug: words and axes."""


def _ordered(axes: Axes, plan: Plan, sample: Sample) -> Plan | None:
    return plan.finish(lambda output: output.transpose(axes))


for _slug, (_words, _axes) in _ORDERS.items():
    _change = partial(_ordered, _axes)
    declare(Mechanism(f"output_{_slug}", MechanismKind.SWAPPED_AXES, f"output: {_words}", _change, 1.2))
