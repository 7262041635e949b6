"""Mechanisms that take the input or the output for one with its axes in another order, in every call."""

from __future__ import annotations

from dataclasses import replace

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.orders import read_as, written_as
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample

SWAPPED = MechanismKind.SWAPPED_AXES
CHANNELS_LAST, CHANNELS_FIRST_IN_NHWC = (0, 2, 3, 1), (0, 3, 1, 2)


@mechanism(SWAPPED, "input: its elements are read in the order NHWC instead of NCHW")
def input_read_as_nhwc(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input is treated as channels last."""
    return replace(plan, input=read_as(plan.input, CHANNELS_LAST))


@mechanism(SWAPPED, "input: its elements are arranged in the order NHWC and read as NCHW")
def input_written_as_nhwc(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input is transposed to channels last and reshaped."""
    return replace(plan, input=written_as(plan.input, CHANNELS_LAST))


@mechanism(SWAPPED, "input: its elements are read in the order CNHW instead of NCHW")
def input_read_as_cnhw(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input is treated as channels first and then images."""
    return replace(plan, input=read_as(plan.input, (1, 0, 2, 3)))


@mechanism(SWAPPED, "input: its elements are arranged in the order CNHW and read as NCHW", cost=1.1)
def input_written_as_cnhw(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input is transposed to channels first and reshaped."""
    return replace(plan, input=written_as(plan.input, (1, 0, 2, 3)))


@mechanism(SWAPPED, "input: its elements are read in the order CHWN instead of NCHW")
def input_read_as_chwn(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input is treated as images last."""
    return replace(plan, input=read_as(plan.input, (1, 2, 3, 0)))


@mechanism(SWAPPED, "input: its elements are arranged in the order CHWN and read as NCHW")
def input_written_as_chwn(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input is transposed to images last and reshaped."""
    return replace(plan, input=written_as(plan.input, (1, 2, 3, 0)))


@mechanism(SWAPPED, "input: its elements are read in Fortran order")
def input_read_in_fortran_order(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input is read with the columns first in memory."""
    return replace(plan, input=read_as(plan.input, (3, 2, 1, 0)))


@mechanism(SWAPPED, "input: its elements are flattened in Fortran order and read in C order")
def input_written_in_fortran_order(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input is flattened with the columns first."""
    return replace(plan, input=written_as(plan.input, (3, 2, 1, 0)))


@mechanism(SWAPPED, "output: its elements are in the order NHWC behind the shape NCHW")
def output_written_as_nhwc(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is transposed to channels last and reshaped."""
    return plan.finish(lambda output: written_as(output, CHANNELS_LAST))


@mechanism(SWAPPED, "output: its elements are read in the order NHWC though they are in NCHW")
def output_read_as_nhwc(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is treated as channels last and transposed back."""
    return plan.finish(lambda output: read_as(output, CHANNELS_LAST))


@mechanism(SWAPPED, "output: its elements are in the order CNHW behind the shape NCHW, as of a matrix product")
def output_written_as_cnhw(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is transposed to channels first and reshaped."""
    return plan.finish(lambda output: written_as(output, (1, 0, 2, 3)))


@mechanism(SWAPPED, "output: its elements are read in the order CNHW though they are in NCHW", cost=1.1)
def output_read_as_cnhw(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is treated as channels first and transposed back."""
    return plan.finish(lambda output: read_as(output, (1, 0, 2, 3)))


@mechanism(SWAPPED, "output: batch and channel axes are swapped", cost=0.9)
def output_batch_and_channels_swapped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the shape (O, N, OH, OW)."""
    return plan.finish(lambda output: output.swapaxes(0, 1))


@mechanism(SWAPPED, "output: channels are the last axis")
def output_channels_last(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the shape (N, OH, OW, O)."""
    return plan.finish(lambda output: output.transpose(CHANNELS_LAST))


@mechanism(SWAPPED, "output: channels and rows are swapped")
def output_channels_and_rows_swapped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the shape (N, OH, O, OW)."""
    return plan.finish(lambda output: output.swapaxes(1, 2))


@mechanism(SWAPPED, "output: its elements are flattened in Fortran order")
def output_written_in_fortran_order(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is flattened with the columns first."""
    return plan.finish(lambda output: written_as(output, (3, 2, 1, 0)))
