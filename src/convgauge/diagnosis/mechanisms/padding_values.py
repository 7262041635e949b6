"""Mechanisms that pad with other values than zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, declare, mechanism
from convgauge.diagnosis.plan import Pads, Plan, pad_with_zeros
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

Source = Callable[[Array, int], Array]
"""Function of positions along an axis and its size that returns the positions that are read."""


def _edge(positions: Array, size: int) -> Array:
    clipped: Array = np.clip(positions, 0, size - 1)
    return clipped


def _wrapped(positions: Array, size: int) -> Array:
    wrapped: Array = positions % size
    return wrapped


def _reflected(positions: Array, size: int) -> Array:
    period = max(1, 2 * (size - 1))
    reflected: Array = (size - 1) - np.abs((size - 1) - positions % period)
    return reflected


def _mirrored(positions: Array, size: int) -> Array:
    positions = positions % (2 * size)
    return np.where(positions < size, positions, 2 * size - 1 - positions)


_MODES: dict[str, tuple[str, Source]] = {
    "edge": ("the edge of the image is repeated", _edge),
    "wrap": ("the image is continued periodically", _wrapped),
    "reflect": ("the image is reflected at its edge pixels", _reflected),
    "symmetric": ("the image is mirrored with its edge pixels", _mirrored),
}

_AXES: dict[str, tuple[str, tuple[bool, bool]]] = {
    "": ("", (True, True)),
    "_for_rows": (", above and below alone", (True, False)),
    "_for_columns": (", at the left and right alone", (False, True)),
}


def _pad_by_mode(source: Source, axes: tuple[bool, bool], input: Array, pads: Pads) -> Array:
    """Return the padded input, with zeros along the axes that are not named."""
    for axis, (due, side) in enumerate(zip(axes, pads, strict=True), start=2):
        size = input.shape[axis]
        if due and size:
            input = np.take(input, source(np.arange(-side[0], size + side[1]), size), axis=axis)
    return pad_with_zeros(input, ((0, 0) if axes[0] else pads[0], (0, 0) if axes[1] else pads[1]))


def _by_mode(source: Source, axes: tuple[bool, bool], plan: Plan, sample: Sample) -> Plan | None:
    is_padded = any(due and any(side) for due, side in zip(axes, plan.pads, strict=True))
    has_edge = min(plan.input.shape[2:]) > 0
    return replace(plan, pad=partial(_pad_by_mode, source, axes)) if is_padded and has_edge else None


for _slug, (_words, _source) in _MODES.items():
    for _suffix, (_where, _axes) in _AXES.items():
        declare(
            Mechanism(
                f"padding_{_slug}{_suffix}", MechanismKind.PADDING_VALUE, f"padding: {_words} instead of zeros{_where}",
                partial(_by_mode, _source, _axes), 1.2 if _suffix else 1.0,
            )
        )  # fmt: skip

_VALUES: dict[str, tuple[str, Callable[[Array], Array | float]]] = {
    "one": ("ones", lambda x: 1.0),
    "minus_one": ("minus one", lambda x: -1.0),
    "mean": ("the mean of each channel's image", lambda x: x.mean(axis=(2, 3), keepdims=True)),
    "whole_mean": ("the mean of the input", lambda x: x.mean()),
    "minimum": ("the smallest element of the input", lambda x: x.min()),
    "maximum": ("the largest element of the input", lambda x: x.max()),
    "first": ("the first element of each channel's image", lambda x: x[:, :, :1, :1]),
    "last": ("the last element of each channel's image", lambda x: x[:, :, -1:, -1:]),
    "nan": ("NaN", lambda x: np.nan),
    "infinity": ("minus infinity, as for a maximum", lambda x: -np.inf),
}
"""Values of the padding by slug: words, and function of the input."""


def _pad_by_value(value: Callable[[Array], Array | float], input: Array, pads: Pads) -> Array:
    padded = pad_with_zeros(input, pads)
    if not input.size:
        return padded
    inside = pad_with_zeros(np.ones((1, 1, *input.shape[2:])), pads)
    with np.errstate(invalid="ignore"):
        return np.where(inside > 0, padded, np.asarray(value(input)).astype(padded.dtype))


def _by_value(value: Callable[[Array], Array | float], plan: Plan, sample: Sample) -> Plan | None:
    return replace(plan, pad=partial(_pad_by_value, value)) if any(map(any, plan.pads)) else None


for _slug, (_words, _value) in _VALUES.items():
    declare(
        Mechanism(
            f"padding_{_slug}", MechanismKind.PADDING_VALUE, f"padding: {_words} instead of zeros",
            partial(_by_value, _value), 1.1,
        )
    )  # fmt: skip


@mechanism(MechanismKind.PADDING_VALUE, "padding: the bias instead of zeros", cost=1.2)
def padding_bias(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with the bias around the image, channel by channel."""
    if plan.bias is None or plan.bias.shape != plan.input.shape[1:2] or not any(map(any, plan.pads)):
        return None
    bias = plan.bias[None, :, None, None]
    return replace(plan, pad=partial(_pad_by_value, lambda input: bias))


def _taps_inside(plan: Plan) -> Array:
    """Return the number of taps (OH, OW) of each output that are inside the image."""
    ones = replace(plan, input=np.ones((1, 1, *plan.input.shape[2:])), pad=pad_with_zeros)
    counts: Array = ones.fields().sum(axis=(1, 4, 5))[0]
    return counts


@mechanism(MechanismKind.TILE_BORDER, "padding: outputs that reach into it are left at zero", cost=1.2)
def padded_outputs_zero(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan that computes the outputs whose fields are inside the image alone."""
    whole = plan.weight.shape[2] * plan.weight.shape[3]
    return plan.finish(lambda output: np.where(_taps_inside(plan) == whole, output, np.zeros_like(output)))


@mechanism(MechanismKind.TILE_BORDER, "padding: outputs that reach into it hold the bias alone", cost=1.3)
def padded_outputs_bias(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan that sums the products of the outputs whose fields are inside the image alone."""
    whole = plan.weight.shape[2] * plan.weight.shape[3]
    return plan.finish(
        lambda output: np.where(_taps_inside(plan) == whole, output, np.zeros_like(output) + plan.bias_planes)
    )


@mechanism(MechanismKind.WRONG_SCALE, "padding: sums are scaled by the share of taps inside the image", cost=1.4)
def padding_renormalised(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan of a partial convolution, whose sums are divided by the share of taps that are in the image."""
    if not any(map(any, plan.pads)):
        return None
    whole = plan.weight.shape[2] * plan.weight.shape[3]

    def scale(output: Array) -> Array:
        scaled: Array = (output - plan.bias_planes) * (whole / np.maximum(_taps_inside(plan), 1)) + plan.bias_planes
        return scaled

    return plan.finish(scale)


@mechanism(MechanismKind.ARGUMENT_MISREAD, "padding: zeros are put around the output instead of the image", cost=1.1)
def output_padded(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan without padding, whose output is surrounded by zeros."""
    if not any(map(any, plan.pads)):
        return None
    inner = replace(plan, pads=((0, 0), (0, 0)))
    return inner.finish(lambda output: pad_with_zeros(output, plan.pads))
