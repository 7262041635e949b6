"""Mechanisms that return the right elements in an array of another shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

SHAPE = MechanismKind.WRONG_SHAPE


@mechanism(SHAPE, "output: the batch axis is dropped for one image")
def batch_axis_squeezed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has no batch axis of one image."""
    return plan.finish(lambda output: _squeezed(output, (0,)))


@mechanism(SHAPE, "output: the batch axis is dropped, so that only the first image is returned")
def only_first_image_returned(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is the first image without a batch axis."""
    return plan.finish(lambda output: output[0])


@mechanism(SHAPE, "output: the channel axis is dropped for one channel")
def channel_axis_squeezed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has no channel axis of one channel."""
    return plan.finish(lambda output: _squeezed(output, (1,)))


@mechanism(SHAPE, "output: the row and column axes are dropped for one position")
def position_squeezed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has no spatial axes if they have one element each."""
    return plan.finish(lambda output: output[:, :, 0, 0] if output.shape[2:] == (1, 1) else output)


@mechanism(SHAPE, "output: a row axis of one row is dropped")
def row_axis_squeezed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has no row axis of one row."""
    return plan.finish(lambda output: _squeezed(output, (2,)))


@mechanism(SHAPE, "output: a column axis of one column is dropped")
def column_axis_squeezed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has no column axis of one column."""
    return plan.finish(lambda output: _squeezed(output, (3,)))


@mechanism(SHAPE, "output: all axes of one element are dropped")
def all_axes_squeezed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has no axis of one element."""
    return plan.finish(lambda output: _squeezed(output, (0, 1, 2, 3)))


@mechanism(SHAPE, "output: rows and columns are one axis")
def positions_flattened(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the shape (N, O, OH OW)."""
    return plan.finish(lambda output: output.reshape(*output.shape[:2], output.shape[2] * output.shape[3]))


@mechanism(SHAPE, "output: all elements of an image are one axis")
def images_flattened(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the shape (N, O OH OW)."""
    return plan.finish(lambda output: output.reshape(len(output), output[:1].size if len(output) else 0))


@mechanism(SHAPE, "output: rows and columns are swapped in its shape, not in its elements")
def rows_and_columns_reshaped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the shape (N, O, OW, OH), its elements in the same order."""
    return plan.finish(lambda output: output.reshape(*output.shape[:2], *output.shape[:1:-1]))


@mechanism(SHAPE, "output: an empty batch gives one image")
def empty_batch_gives_one_image(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan of one image of zeros if there is no image."""
    return None if len(plan.input) else replace(plan, input=np.zeros((1, *plan.input.shape[1:]), plan.input.dtype))


@mechanism(SHAPE, "output: an input without rows or columns gives none, although the padding gives some")
def empty_input_gives_empty_output(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is empty along the axes along which the input is empty."""
    rows, columns = (None if size else 0 for size in plan.input.shape[2:])
    return None if plan.input.shape[2] and plan.input.shape[3] else plan.finish(lambda out: out[:, :, :rows, :columns])


@mechanism(SHAPE, "output: the groups are an axis of their own")
def groups_axis_kept(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the shape (N, G, O / G, OH, OW)."""
    groups, per = plan.groups, len(plan.weight) // plan.groups
    return plan.finish(lambda output: output.reshape(len(output), groups, per, *output.shape[2:]))


@mechanism(SHAPE, "output: an axis of one element is added in front")
def axis_added(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the shape (1, N, O, OH, OW)."""
    return plan.finish(lambda output: output[None])


@mechanism(SHAPE, "output: only the first group's channels are returned")
def only_first_group_returned(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the channels of the first group."""
    return plan.finish(lambda output: output[:, : len(plan.weight) // plan.groups])


@mechanism(SHAPE, "output: batch and channels are one axis")
def batch_and_channels_flattened(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output has the shape (N O, OH, OW)."""
    return plan.finish(lambda output: output.reshape(output.shape[0] * output.shape[1], *output.shape[2:]))


def _squeezed(output: Array, axes: tuple[int, ...]) -> Array:
    """Return an array without those of some axes that have one element."""
    return np.squeeze(output, axis=tuple(axis for axis in axes if output.shape[axis] == 1))
