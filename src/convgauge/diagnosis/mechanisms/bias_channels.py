"""Mechanisms that add the bias of another output channel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convgauge.diagnosis.changes import filters_per_group, interleaved, with_bias
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array


@mechanism(MechanismKind.BIAS_AXIS, "bias: each output channel has that of the next one")
def bias_of_next_channel(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias shifted by one channel, the first element at the end."""
    return with_bias(plan, lambda bias: np.roll(bias, -1))


@mechanism(MechanismKind.BIAS_AXIS, "bias: each output channel has that of the one before")
def bias_of_previous_channel(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias shifted by one channel, the last element at the start."""
    return with_bias(plan, lambda bias: np.roll(bias, 1))


@mechanism(MechanismKind.BIAS_AXIS, "bias: that of the next output channel is added, and none to the last channel")
def bias_shifted_out(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias shifted by one channel, and zero at the end."""
    return with_bias(plan, lambda bias: np.append(bias[1:], 0))


@mechanism(MechanismKind.BIAS_AXIS, "bias: in reverse order")
def bias_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias of the last channel first."""
    return with_bias(plan, lambda bias: bias[::-1])


@mechanism(MechanismKind.BIAS_AXIS, "bias: the first channel's is added to all channels")
def bias_of_first_channel(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the first element of the bias for every channel."""
    return _taken(plan, lambda order: order * 0)


@mechanism(MechanismKind.BIAS_AXIS, "bias: the last channel's is added to all channels")
def bias_of_last_channel(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the last element of the bias for every channel."""
    return _taken(plan, lambda order: order * 0 - 1)


@mechanism(MechanismKind.BIAS_AXIS, "bias: the first group's is added in every group")
def bias_of_first_group(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose channel j of each group has the bias of channel j."""
    return _taken(plan, lambda order: order % filters_per_group(plan))


@mechanism(MechanismKind.BIAS_AXIS, "bias: the last group's is added in every group")
def bias_of_last_group(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose channel j of each group has the bias of channel j of the last group."""
    return _taken(plan, lambda order: order % filters_per_group(plan) - filters_per_group(plan))


@mechanism(MechanismKind.BIAS_AXIS, "bias: indexed by the number of the group")
def bias_of_group_number(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose channels of group g have bias g."""
    return _taken(plan, lambda order: order // filters_per_group(plan))


@mechanism(MechanismKind.BIAS_AXIS, "bias: of channel o mod G instead of o, with G groups")
def bias_modulo_groups(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose channel o has bias o mod G."""
    return _taken(plan, lambda order: order % plan.groups)


@mechanism(MechanismKind.BIAS_AXIS, "bias: of channel o mod C instead of o, with C input channels")
def bias_modulo_input_channels(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose channel o has bias o mod C."""
    channels = plan.input.shape[1]
    return _taken(plan, lambda order: order % channels) if channels else None


@mechanism(MechanismKind.BIAS_AXIS, "bias: in the first group only")
def bias_in_first_group(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with no bias after the first group."""
    return with_bias(plan, lambda bias: bias * (np.arange(len(bias)) < filters_per_group(plan)))


@mechanism(MechanismKind.BIAS_AXIS, "bias: interleaved between the groups")
def bias_interleaved(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose channels have the bias in the order of a channel shuffle."""
    return with_bias(plan, lambda bias: bias[interleaved(len(bias), plan.groups)])


@mechanism(MechanismKind.BIAS_AXIS, "bias: deinterleaved between the groups")
def bias_deinterleaved(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose channels have the bias in the order that undoes a channel shuffle."""
    return with_bias(plan, lambda bias: bias[interleaved(len(bias), max(1, filters_per_group(plan)))])


@mechanism(MechanismKind.BIAS_AXIS, "bias: the sum of all is added to every channel")
def bias_summed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the sum of the bias for every channel."""
    return with_bias(plan, lambda bias: np.full_like(bias, bias.sum()))


@mechanism(MechanismKind.BIAS_AXIS, "bias: added up over the channels, as by a sum that is never reset")
def bias_accumulated(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the cumulative sums of the bias."""
    return with_bias(plan, np.cumsum)


def _taken(plan: Plan, order: Callable[[Array], Array]) -> Plan | None:
    """Return the plan whose channel o has the bias of channel ``order(o)``."""
    return with_bias(plan, lambda bias: bias[order(np.arange(len(bias)))])
