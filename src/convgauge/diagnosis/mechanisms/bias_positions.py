"""Mechanisms that add the bias along another axis, or to some outputs only."""

from __future__ import annotations

import math

import numpy as np

from convgauge.diagnosis.changes import formula_size, real_taps, with_bias, with_bias_at
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array


@mechanism(MechanismKind.BIAS_AXIS, "bias: added along the columns instead of the channels")
def bias_along_columns(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is broadcast along the last axis."""
    return with_bias(plan, lambda bias: bias[None, None, :])


@mechanism(MechanismKind.BIAS_AXIS, "bias: added along the rows instead of the channels")
def bias_along_rows(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is broadcast along the rows."""
    return with_bias(plan, lambda bias: bias[None, :, None])


@mechanism(MechanismKind.BIAS_AXIS, "bias: added along the batch instead of the channels")
def bias_along_batch(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is broadcast along the images."""
    return with_bias(plan, lambda bias: bias[:, None, None, None])


@mechanism(MechanismKind.BIAS_AXIS, "bias: indexed by the column modulo the output channels", cost=1.5)
def bias_of_column(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose column x has the bias x mod O."""
    columns = np.arange(formula_size(plan)[1])
    return with_bias(plan, lambda bias: bias[None, None, columns % len(bias)])


@mechanism(MechanismKind.BIAS_AXIS, "bias: indexed by the row modulo the output channels", cost=1.5)
def bias_of_row(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose row y has the bias y mod O."""
    rows = np.arange(formula_size(plan)[0])
    return with_bias(plan, lambda bias: bias[None, rows % len(bias), None])


@mechanism(MechanismKind.BIAS_AXIS, "bias: indexed by the image modulo the output channels", cost=1.5)
def bias_of_image(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose image n has the bias n mod O."""
    images = np.arange(len(plan.input))
    return with_bias(plan, lambda bias: bias[images % len(bias), None, None, None])


@mechanism(MechanismKind.BIAS_AXIS, "bias: indexed by the position in the plane modulo the output channels")
def bias_of_position(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output at the flattened position p has the bias p mod O."""
    size = formula_size(plan)
    return with_bias(plan, lambda bias: bias[np.arange(math.prod(size)).reshape(1, *size) % len(bias)])


@mechanism(MechanismKind.BIAS_AXIS, "bias: indexed by the flattened output modulo the output channels, as for NHWC")
def bias_in_nhwc_order(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output at the flattened index i has the bias i mod O."""
    size = (len(plan.input), len(plan.weight), *formula_size(plan))
    return with_bias(plan, lambda bias: bias[np.arange(math.prod(size)).reshape(size) % len(bias)])


@mechanism(MechanismKind.BIAS_DROPPED, "bias: added to the first image only")
def bias_for_first_image(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is added to the first image."""
    return with_bias_at(plan, _first(len(plan.input))[:, None, None, None])


@mechanism(MechanismKind.BIAS_DROPPED, "bias: added to the last image only")
def bias_for_last_image(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is added to the last image."""
    return with_bias_at(plan, _first(len(plan.input))[::-1, None, None, None])


@mechanism(MechanismKind.BIAS_DROPPED, "bias: added in the first row only")
def bias_in_first_row(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is added to the first row."""
    return with_bias_at(plan, _first(formula_size(plan)[0])[:, None])


@mechanism(MechanismKind.BIAS_DROPPED, "bias: added in the first column only")
def bias_in_first_column(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is added to the first column."""
    return with_bias_at(plan, _first(formula_size(plan)[1]))


@mechanism(MechanismKind.BIAS_DROPPED, "bias: added at the first output position only")
def bias_at_first_position(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is added at row 0 and column 0."""
    rows, columns = formula_size(plan)
    return with_bias_at(plan, _first(rows)[:, None] * _first(columns))


@mechanism(MechanismKind.BIAS_DROPPED, "bias: not added where the kernel lies wholly in the padding")
def bias_dropped_in_padding(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is added where the receptive field meets the image."""
    return with_bias_at(plan, (real_taps(plan) > 0).astype(np.int64))


@mechanism(MechanismKind.BIAS_DROPPED, "bias: not added where the kernel meets the padding")
def bias_dropped_at_border(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is added where the receptive field lies in the image."""
    return with_bias_at(plan, (real_taps(plan) == math.prod(plan.weight.shape[2:])).astype(np.int64))


@mechanism(MechanismKind.WRONG_SCALE, "bias: added once for each tap that lies in the image")
def bias_once_per_real_tap(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose bias is multiplied by the number of taps that read the image."""
    return with_bias_at(plan, real_taps(plan))


def _first(count: int) -> Array:
    return np.asarray(np.arange(count) == 0).astype(np.int64)
