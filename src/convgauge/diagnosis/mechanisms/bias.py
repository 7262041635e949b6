"""Mechanisms that drop the bias, or add it with another factor or sign."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.changes import with_bias
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample


@mechanism(MechanismKind.BIAS_DROPPED, "bias: not added")
def bias_dropped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan without a bias."""
    return None if plan.bias is None else replace(plan, bias=None)


@mechanism(MechanismKind.WRONG_SCALE, "bias: added twice")
def bias_doubled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with twice the bias."""
    return _scaled(plan, 2)


@mechanism(MechanismKind.WRONG_SCALE, "bias: halved")
def bias_halved(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with half the bias."""
    return _scaled(plan, 0.5)


@mechanism(MechanismKind.SIGN_LOST, "bias: subtracted")
def bias_subtracted(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the opposite bias."""
    return _scaled(plan, -1)


@mechanism(MechanismKind.SIGN_LOST, "bias: its absolute value is added")
def bias_without_sign(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the absolute value of the bias."""
    return with_bias(plan, np.abs)


@mechanism(MechanismKind.WRONG_SCALE, "bias: added once for each group")
def bias_once_per_group(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias times the number of groups."""
    return _scaled(plan, plan.groups)


@mechanism(MechanismKind.WRONG_SCALE, "bias: added once for each image of the batch")
def bias_once_per_image(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias times the batch size."""
    return _scaled(plan, len(plan.input))


@mechanism(MechanismKind.WRONG_SCALE, "bias: added once for each input channel of the group")
def bias_once_per_input_channel(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias times the number of channels that are summed."""
    return _scaled(plan, plan.weight.shape[1])


@mechanism(MechanismKind.WRONG_SCALE, "bias: added once for each row of the kernel")
def bias_once_per_kernel_row(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias times the number of kernel rows."""
    return _scaled(plan, plan.weight.shape[2])


@mechanism(MechanismKind.WRONG_SCALE, "bias: added once for each column of the kernel")
def bias_once_per_kernel_column(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias times the number of kernel columns."""
    return _scaled(plan, plan.weight.shape[3])


@mechanism(MechanismKind.WRONG_SCALE, "bias: added once for each tap of the kernel")
def bias_once_per_tap(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias times the number of kernel elements."""
    return _scaled(plan, math.prod(plan.weight.shape[2:]))


@mechanism(MechanismKind.WRONG_SCALE, "bias: added once for each product")
def bias_once_per_product(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias times the length of the reduction."""
    return _scaled(plan, plan.reduction)


@mechanism(MechanismKind.WRONG_SCALE, "bias: divided by the number of products")
def bias_averaged(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias divided by the length of the reduction."""
    return _scaled(plan, 1 / plan.reduction) if plan.reduction else None


@mechanism(MechanismKind.WRONG_SCALE, "bias: multiplies the sums instead of being added")
def bias_multiplied(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose sums are multiplied by the bias."""
    if plan.bias is None or plan.bias.ndim != 1:
        return None
    factors = plan.bias[:, None, None]
    return replace(plan, bias=None).finish_sums(lambda sums: sums * factors)


@mechanism(MechanismKind.SIGN_LOST, "output: negative values are replaced by zero, as by a ReLU after the bias")
def output_rectified(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output is at least zero."""
    return None if np.iscomplexobj(plan.input) else plan.finish(lambda output: np.maximum(output, 0))


@mechanism(MechanismKind.SIGN_LOST, "bias: added after negative sums were replaced by zero, as by a ReLU")
def sums_rectified(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose sums are at least zero before the bias is added."""
    if plan.bias is None or np.iscomplexobj(plan.input):
        return None
    return plan.finish_sums(lambda sums: np.maximum(sums, 0))


def _scaled(plan: Plan, factor: float) -> Plan | None:
    """Return the plan with the bias times a factor, truncated for integers as in C."""
    if plan.dtype.startswith("int") and factor != int(factor):
        return with_bias(plan, lambda bias: np.trunc(bias * factor).astype(bias.dtype))
    return with_bias(plan, lambda bias: bias * factor)
