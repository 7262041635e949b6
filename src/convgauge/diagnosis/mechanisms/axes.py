"""Mechanisms that swap or flip the two axes of an argument or of the kernel."""

from __future__ import annotations

from dataclasses import replace

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample


@mechanism(MechanismKind.SWAPPED_AXES, "padding: rows and columns are swapped")
def padding_axes_swapped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the padding of the other axis."""
    return replace(plan, pads=plan.pads[::-1])


@mechanism(MechanismKind.FLIPPED_KERNEL, "kernel: flipped along both axes, a true convolution")
def kernel_flipped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the kernel rotated by half a turn."""
    return replace(plan, weight=plan.weight[..., ::-1, ::-1])
