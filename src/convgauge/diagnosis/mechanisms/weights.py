"""Mechanisms that read the weight with its axes in another order, without moving its elements."""

from __future__ import annotations

from dataclasses import replace

from convgauge.diagnosis.changes import filters_per_group
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.orders import read_as, written_as
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample

SWAPPED = MechanismKind.SWAPPED_AXES


@mechanism(SWAPPED, "weight: input and output channels are swapped (OIHW read as IOHW)")
def weight_read_as_iohw(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is read with the input channels first."""
    return replace(plan, weight=read_as(plan.weight, (1, 0, 2, 3)))


@mechanism(SWAPPED, "weight: input and output channels are swapped before it is read (IOHW read as OIHW)", cost=1.1)
def weight_written_as_iohw(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is transposed to input channels first, and read with output channels first."""
    return replace(plan, weight=written_as(plan.weight, (1, 0, 2, 3)))


@mechanism(SWAPPED, "weight: input and output channels of each group are swapped")
def weight_channels_of_group_swapped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is read in the form (G, C / G, O / G, KH, KW)."""
    per, (_, channels, *kernel) = filters_per_group(plan), plan.weight.shape
    weight = plan.weight.reshape(plan.groups, channels, per, *kernel).swapaxes(1, 2)
    return replace(plan, weight=weight.reshape(plan.weight.shape))


@mechanism(SWAPPED, "weight: its elements are read in the order HWIO instead of OIHW")
def weight_read_as_hwio(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is read as if in TensorFlow's order."""
    return replace(plan, weight=read_as(plan.weight, (2, 3, 1, 0)))


@mechanism(SWAPPED, "weight: its elements are arranged in the order HWIO and read as OIHW")
def weight_written_as_hwio(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is transposed to HWIO and reshaped."""
    return replace(plan, weight=written_as(plan.weight, (2, 3, 1, 0)))


@mechanism(SWAPPED, "weight: its elements are read in the order OHWI instead of OIHW")
def weight_read_as_ohwi(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters are read with the channels last."""
    return replace(plan, weight=read_as(plan.weight, (0, 2, 3, 1)))


@mechanism(SWAPPED, "weight: its elements are arranged in the order OHWI and read as OIHW")
def weight_written_as_ohwi(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters are transposed to channels last and reshaped."""
    return replace(plan, weight=written_as(plan.weight, (0, 2, 3, 1)))


@mechanism(SWAPPED, "weight: its elements are read in the order IHWO instead of OIHW")
def weight_read_as_ihwo(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is read with the input channels first and the output channels last."""
    return replace(plan, weight=read_as(plan.weight, (1, 2, 3, 0)))


@mechanism(SWAPPED, "weight: its elements are arranged in the order IHWO and read as OIHW")
def weight_written_as_ihwo(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is transposed to input channels first and output channels last, and reshaped."""
    return replace(plan, weight=written_as(plan.weight, (1, 2, 3, 0)))


@mechanism(SWAPPED, "weight: its elements are read in the order HWOI instead of OIHW")
def weight_read_as_hwoi(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is read with the kernel's axes first."""
    return replace(plan, weight=read_as(plan.weight, (2, 3, 0, 1)))


@mechanism(SWAPPED, "weight: its elements are arranged in the order HWOI and read as OIHW")
def weight_written_as_hwoi(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is transposed to the kernel's axes first, and reshaped."""
    return replace(plan, weight=written_as(plan.weight, (2, 3, 0, 1)))


@mechanism(SWAPPED, "weight: its elements are read in Fortran order")
def weight_read_in_fortran_order(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is read with the output channels last in memory, and the columns first."""
    return replace(plan, weight=read_as(plan.weight, (3, 2, 1, 0)))


@mechanism(SWAPPED, "weight: its elements are flattened in Fortran order and read in C order")
def weight_written_in_fortran_order(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose weight is flattened with the columns first."""
    return replace(plan, weight=written_as(plan.weight, (3, 2, 1, 0)))
