"""Mechanisms that ignore groups: their channels, filters or outputs are those of other groups, or are not added up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.changes import (
    filters_per_group,
    only_where,
    with_channels,
    with_filters_of_groups,
    with_inputs_of_groups,
)
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: every group reads the first group's channels")
def groups_read_first_channels(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose groups all read the channels of the first."""
    return with_inputs_of_groups(plan, np.zeros(plan.groups, int))


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: every group reads the last group's channels")
def groups_read_last_channels(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose groups all read the channels of the last."""
    return with_inputs_of_groups(plan, np.full(plan.groups, plan.groups - 1))


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: every group has the first group's filters")
def groups_share_first_filters(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose groups all have the filters of the first."""
    return with_filters_of_groups(plan, np.zeros(plan.groups, int))


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: every group has the last group's filters")
def groups_share_last_filters(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose groups all have the filters of the last."""
    return with_filters_of_groups(plan, np.full(plan.groups, plan.groups - 1))


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: the last group has the filters of the one before")
def last_group_has_filters_before(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose last group has the filters of the last but one."""
    return with_filters_of_groups(plan, _last_repeated(plan.groups))


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: the last group reads the channels of the one before")
def last_group_reads_channels_before(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose last group reads the channels of the last but one."""
    return with_inputs_of_groups(plan, _last_repeated(plan.groups))


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: ignored, so that every filter is repeated over all input channels")
def groups_ignored_with_tiled_filters(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan of one group whose filters are tiled over all channels."""
    return replace(plan, weight=np.tile(plan.weight, (1, plan.groups, 1, 1)), groups=1)


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: the sums of all groups are added up")
def groups_summed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan each group of which gives the sum of all groups."""
    return plan.finish_sums(lambda sums: _by_group(sums, plan.groups, _total))


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: sums of earlier groups are not reset")
def groups_accumulated(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan each group of which adds the sums of the groups before."""
    return plan.finish_sums(lambda sums: _by_group(sums, plan.groups, lambda parts: parts.cumsum(axis=1)))


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: only the first group's outputs are computed, the others are zero")
def only_first_group_computed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs after the first group are zero."""
    return plan.finish(lambda output: only_where(output, _in_first_group(plan)[:, None, None]))


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: only the first group is computed, the others give the bias alone")
def only_first_group_summed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose sums after the first group are zero."""
    return plan.finish_sums(lambda sums: only_where(sums, _in_first_group(plan)[:, None, None]))


@mechanism(MechanismKind.TAIL_DROPPED, "output channels: those after as many as there are groups are the bias alone")
def channel_multiplier_dropped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters are zero after the first G, as if there were one for each group."""
    return _kept_filters(plan, np.arange(len(plan.weight)) < plan.groups)


@mechanism(MechanismKind.TAIL_DROPPED, "output channels: those after as many as there are groups are not written")
def channel_multiplier_not_written(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs are zero after the first G channels."""
    is_written = np.arange(len(plan.weight)) < plan.groups
    return plan.finish(lambda output: only_where(output, is_written[:, None, None]))


@mechanism(MechanismKind.TAIL_DROPPED, "groups: all outputs of a group but the first are the bias alone")
def only_first_filter_of_group(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters are zero except the first of each group."""
    return _kept_filters(plan, np.arange(len(plan.weight)) % max(1, filters_per_group(plan)) == 0)


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: the first group's outputs are repeated for every group")
def first_group_repeated(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose groups all have the outputs of the first, its bias included."""
    return plan.finish(lambda output: output[:, np.arange(output.shape[1]) % filters_per_group(plan)])


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: treated as depthwise, so that only the first channel of each is read")
def only_first_channel_of_group(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters read the first channel of their group only."""
    return _kept_channels(plan, np.arange(plan.weight.shape[1]) == 0)


@mechanism(MechanismKind.GROUPS_IGNORED, "channels: only the first one of the input is read, whatever the group")
def only_first_channel_of_input(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters read the input's first channel with their first channel."""
    return replace(plan, input=plan.input[:, :1], weight=plan.weight[:, :1], groups=1)


@mechanism(MechanismKind.GROUPS_IGNORED, "channels: overwritten instead of added up, so that only the last one counts")
def only_last_channel_of_group(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters read the last channel of their group only."""
    return _kept_channels(plan, np.arange(plan.weight.shape[1]) == plan.weight.shape[1] - 1)


@mechanism(MechanismKind.GROUPS_IGNORED, "channels: not added up, output o reads channel o alone, as if depthwise")
def channels_paired(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filter o reads the channel o mod (C / G) only."""
    filters, channels = plan.weight.shape[:2]
    return _kept_channels(plan, np.arange(filters)[:, None] % max(1, channels) == np.arange(channels))


@mechanism(MechanismKind.GROUPS_IGNORED, "channels: averaged instead of added up")
def channels_averaged(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose sums are divided by the number of channels of a group."""
    return plan.finish_sums(lambda sums: sums / plan.weight.shape[1]) if plan.weight.shape[1] else None


@mechanism(MechanismKind.GROUPS_IGNORED, "channels: the first channel of each filter is used for all channels")
def first_weight_channel_for_all(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan in whose filters all channels are as the first."""
    return replace(plan, weight=np.repeat(plan.weight[:, :1], plan.weight.shape[1], axis=1))


@mechanism(MechanismKind.GROUPS_IGNORED, "channels: the first input channel of each group is read for all channels")
def first_input_channel_for_all(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose groups read their first channel instead of each."""
    per = plan.weight.shape[1]
    return with_channels(plan, np.arange(plan.input.shape[1]) // max(1, per) * per)


@mechanism(MechanismKind.GROUPS_IGNORED, "groups: ignored for the input, so that group g starts at channel g")
def groups_start_at_their_number(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose group g reads the channels from g, wrapping around."""
    starts = np.arange(plan.groups)[:, None] + np.arange(plan.weight.shape[1])
    return with_channels(plan, starts.reshape(-1) % plan.input.shape[1])


@mechanism(MechanismKind.GROUPS_IGNORED, "filters: the first filter is used for every output channel")
def first_filter_for_all(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters are all as the first."""
    return replace(plan, weight=np.repeat(plan.weight[:1], len(plan.weight), axis=0))


@mechanism(MechanismKind.GROUPS_IGNORED, "filters: the first filter of each group is used for the whole group")
def first_filter_of_group_for_all(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose filters are as the first of their group."""
    per = filters_per_group(plan)
    return replace(plan, weight=plan.weight[np.arange(len(plan.weight)) // max(1, per) * per])


def _last_repeated(groups: int) -> Array:
    return np.minimum(np.arange(groups), max(0, groups - 2))


def _by_group(sums: Array, groups: int, change: Callable[[Array], Array]) -> Array:
    """Return sums changed by a function of their form (N, G, O / G, OH, OW)."""
    batch, filters, *size = sums.shape
    return change(sums.reshape(batch, groups, filters // groups, *size)).reshape(sums.shape)


def _total(parts: Array) -> Array:
    return np.broadcast_to(parts.sum(axis=1, keepdims=True), parts.shape)


def _in_first_group(plan: Plan) -> Array:
    return np.arange(len(plan.weight)) < filters_per_group(plan)


def _kept_filters(plan: Plan, is_kept: Array) -> Plan:
    """Return the plan whose filters are zero where they are not kept."""
    return replace(plan, weight=only_where(plan.weight, is_kept[:, None, None, None]))


def _kept_channels(plan: Plan, is_kept: Array) -> Plan:
    """Return the plan whose filters are zero in the channels that are not kept."""
    return replace(plan, weight=only_where(plan.weight, is_kept[..., None, None]))
