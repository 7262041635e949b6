"""Mechanisms that take channels, filters or outputs in another order, inside groups or between them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convgauge.diagnosis.changes import (
    blocks,
    filters_per_group,
    interleaved,
    with_channels,
    with_filters,
    with_filters_of_groups,
    with_inputs_of_groups,
    with_weight_channels,
)
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

PERMUTED = MechanismKind.GROUPS_PERMUTED


@mechanism(PERMUTED, "groups: group g reads every G-th channel from channel g instead of adjacent channels")
def input_channels_interleaved(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose channel c belongs to group c mod G."""
    return with_channels(plan, interleaved(plan.input.shape[1], max(1, plan.weight.shape[1])))


@mechanism(PERMUTED, "groups: the input's channels are shuffled between the groups before they are read")
def input_channels_shuffled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input has passed a channel shuffle."""
    return with_channels(plan, interleaved(plan.input.shape[1], plan.groups))


@mechanism(PERMUTED, "groups: output channels are shuffled between the groups")
def output_channels_shuffled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose sums are interleaved between the groups, the bias not."""
    return _sums_taken(plan, interleaved(len(plan.weight), plan.groups))


@mechanism(PERMUTED, "groups: output channels are shuffled back, as if they had been interleaved")
def output_channels_unshuffled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose sums are deinterleaved between the groups, the bias not."""
    return _sums_taken(plan, interleaved(len(plan.weight), max(1, filters_per_group(plan))))


@mechanism(PERMUTED, "groups: outputs are shuffled between the groups with their bias")
def outputs_shuffled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs are interleaved between the groups."""
    return _outputs_taken(plan, interleaved(len(plan.weight), plan.groups))


@mechanism(PERMUTED, "groups: outputs are shuffled back with their bias, as if they had been interleaved")
def outputs_unshuffled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs are deinterleaved between the groups."""
    return _outputs_taken(plan, interleaved(len(plan.weight), max(1, filters_per_group(plan))))


@mechanism(PERMUTED, "groups: output o reads the channels of group o mod G, as a depthwise multiplier taken modulo")
def filters_interleaved(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filter o belongs to group o mod G."""
    order = np.argsort(np.arange(len(plan.weight)) % plan.groups, kind="stable")
    return _sums_taken(with_filters(plan, order), np.argsort(order, kind="stable"))


@mechanism(PERMUTED, "groups: filters are interleaved between the groups")
def filters_shuffled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters are in the order of a channel shuffle."""
    return with_filters(plan, interleaved(len(plan.weight), plan.groups))


@mechanism(PERMUTED, "groups: filters are deinterleaved between the groups")
def filters_unshuffled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters are in the order that undoes a channel shuffle."""
    return with_filters(plan, interleaved(len(plan.weight), max(1, filters_per_group(plan))))


@mechanism(PERMUTED, "groups: they read the input's groups in reverse order")
def input_groups_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose group g reads the channels of group G - 1 - g."""
    return with_inputs_of_groups(plan, np.arange(plan.groups)[::-1])


@mechanism(PERMUTED, "groups: they have the filters of the groups in reverse order")
def filter_groups_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose group g has the filters of group G - 1 - g."""
    return with_filters_of_groups(plan, np.arange(plan.groups)[::-1])


@mechanism(PERMUTED, "groups: their outputs are in reverse order")
def output_groups_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose group g has the sums of group G - 1 - g."""
    return _sums_taken(plan, blocks(np.arange(plan.groups)[::-1], filters_per_group(plan)))


@mechanism(PERMUTED, "groups: each reads the channels of the next one")
def groups_read_next(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose group g reads the channels of group g + 1, the last those of the first."""
    return with_inputs_of_groups(plan, np.roll(np.arange(plan.groups), -1))


@mechanism(PERMUTED, "groups: each reads the channels of the one before")
def groups_read_previous(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose group g reads the channels of group g - 1, the first those of the last."""
    return with_inputs_of_groups(plan, np.roll(np.arange(plan.groups), 1))


@mechanism(PERMUTED, "groups: each has the filters of the next one")
def groups_have_next_filters(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose group g has the filters of group g + 1, the last those of the first."""
    return with_filters_of_groups(plan, np.roll(np.arange(plan.groups), -1))


@mechanism(PERMUTED, "groups: each has the filters of the one before")
def groups_have_previous_filters(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose group g has the filters of group g - 1, the first those of the last."""
    return with_filters_of_groups(plan, np.roll(np.arange(plan.groups), 1))


@mechanism(PERMUTED, "weight: the channels of each filter are in reverse order")
def weight_channels_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters have their last channel first."""
    return replace(plan, weight=plan.weight[:, ::-1])


@mechanism(PERMUTED, "weight: each channel of a filter is that of the next channel")
def weight_channels_rolled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan in whose filters channel c is channel c + 1, the last the first."""
    return with_weight_channels(plan, np.roll(np.arange(plan.weight.shape[1]), -1))


@mechanism(PERMUTED, "weight: each channel of a filter is that of the channel before")
def weight_channels_rolled_back(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan in whose filters channel c is channel c - 1, the first the last."""
    return with_weight_channels(plan, np.roll(np.arange(plan.weight.shape[1]), 1))


@mechanism(PERMUTED, "weight: the filters are in reverse order")
def filters_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose last filter is the first; the bias stays."""
    return replace(plan, weight=plan.weight[::-1])


@mechanism(PERMUTED, "weight: each output channel has the filter of the next one")
def filters_rolled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filter o is filter o + 1, the last the first."""
    return with_filters(plan, np.roll(np.arange(len(plan.weight)), -1))


@mechanism(PERMUTED, "weight: each output channel has the filter of the one before")
def filters_rolled_back(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filter o is filter o - 1, the first the last."""
    return with_filters(plan, np.roll(np.arange(len(plan.weight)), 1))


@mechanism(PERMUTED, "weight: the filters of each group are in reverse order")
def filters_of_group_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan in each group of which the last filter is the first."""
    per = filters_per_group(plan)
    return with_filters(plan, np.arange(len(plan.weight)).reshape(-1, per)[:, ::-1].reshape(-1)) if per else None


@mechanism(PERMUTED, "output: the channels are in reverse order")
def output_channels_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose last output channel, its bias included, is the first."""
    return plan.finish(lambda output: output[:, ::-1])


@mechanism(PERMUTED, "output: each channel holds the next one")
def output_channels_rolled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output channel o is channel o + 1, the last the first."""
    return plan.finish(lambda output: np.roll(output, -1, axis=1))


@mechanism(PERMUTED, "output: each channel holds the one before")
def output_channels_rolled_back(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose output channel o is channel o - 1, the first the last."""
    return plan.finish(lambda output: np.roll(output, 1, axis=1))


@mechanism(PERMUTED, "input: the channels are in reverse order, as BGR for RGB")
def input_channels_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose last input channel is the first."""
    return replace(plan, input=plan.input[:, ::-1])


@mechanism(PERMUTED, "input: each channel is read from the next one")
def input_channels_rolled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input channel c is channel c + 1, the last the first."""
    return replace(plan, input=np.roll(plan.input, -1, axis=1))


@mechanism(PERMUTED, "input: each channel is read from the one before")
def input_channels_rolled_back(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input channel c is channel c - 1, the first the last."""
    return replace(plan, input=np.roll(plan.input, 1, axis=1))


def _sums_taken(plan: Plan, order: Array) -> Plan:
    """Return the plan whose output channel o has the sums of channel ``order[o]``, and its own bias."""
    return plan.finish_sums(lambda sums: sums[:, order])


def _outputs_taken(plan: Plan, order: Array) -> Plan:
    return plan.finish(lambda output: output[:, order])
