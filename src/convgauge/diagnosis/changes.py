"""Changes of plans that several mechanisms share: channels and filters in another order, a bias elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.plan import Plan
from convgauge.problem import Pair
from convgauge.reference.operands import Array


def with_channels(plan: Plan, order: Array) -> Plan:
    """Return the plan whose input channel c is the channel ``order[c]``."""
    return replace(plan, input=plan.input[:, order])


def with_filters(plan: Plan, order: Array) -> Plan:
    """Return the plan whose filter o is the filter ``order[o]``; the bias stays."""
    return replace(plan, weight=plan.weight[order])


def with_weight_channels(plan: Plan, order: Array) -> Plan:
    """Return the plan in whose filters channel c is the channel ``order[c]``."""
    return replace(plan, weight=plan.weight[:, order])


def with_inputs_of_groups(plan: Plan, order: Array) -> Plan:
    """Return the plan whose group g reads the channels of group ``order[g]``."""
    return with_channels(plan, blocks(order, plan.input.shape[1] // plan.groups))


def with_filters_of_groups(plan: Plan, order: Array) -> Plan:
    """Return the plan whose group g has the filters of group ``order[g]``."""
    return with_filters(plan, blocks(order, filters_per_group(plan)))


def blocks(order: Array, size: int) -> Array:
    """Return the order of elements in which whole blocks of a size are in an order."""
    return np.asarray((order[:, None] * size + np.arange(size)).reshape(-1))


def interleaved(count: int, parts: int) -> Array:
    """Return the order that takes the first element of each of some equal parts, then the second of each, and so on."""
    return np.arange(count).reshape(parts, -1).T.reshape(-1)


def filters_per_group(plan: Plan) -> int:
    """Return the number of output channels of a group."""
    return len(plan.weight) // plan.groups


def with_bias(plan: Plan, change: Callable[[Array], Array]) -> Plan | None:
    """Return the plan with its bias changed, or None if there is none to change."""
    if plan.bias is None or plan.bias.ndim != 1 or not plan.bias.size:
        return None
    return replace(plan, bias=change(plan.bias))


def with_bias_at(plan: Plan, where: Array) -> Plan | None:
    """Return the plan whose bias is multiplied by an array that is broadcast to the output; None without a bias."""
    return with_bias(plan, lambda bias: bias[:, None, None] * where)


def formula_size(plan: Plan) -> Pair:
    """Return the number of output rows and columns."""
    if plan.output_size is not None:
        return plan.output_size
    sizes = zip(plan.input.shape[2:], plan.pads, plan.extent, plan.stride, strict=True)
    rows, columns = (max(0, (size + sum(pads) - extent) // stride + 1) for size, pads, extent, stride in sizes)
    return rows, columns


def real_taps(plan: Plan) -> Array:
    """Return the number of taps (OH, OW) of each output position that read the image and not the padding."""
    counts = []
    for axis, size in enumerate(formula_size(plan)):
        starts = np.arange(size) * plan.stride[axis] - plan.pads[axis][0]
        rows = starts[:, None] + np.arange(plan.weight.shape[2 + axis]) * plan.dilation[axis]
        counts.append(((rows >= 0) & (rows < plan.input.shape[2 + axis])).sum(axis=1))
    return np.asarray(counts[0][:, None] * counts[1])


def only_where(array: Array, is_kept: Array) -> Array:
    """Return an array with zeros where a condition does not hold, instead of NaN and infinities as well."""
    return np.where(is_kept, array, array.dtype.type(0))
