"""Mechanisms that mix up the images of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.changes import only_where
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

DROPPED, SHIFTED = MechanismKind.TAIL_DROPPED, MechanismKind.SHIFTED_OUTPUT


@mechanism(DROPPED, "batch: every image has the output of the first")
def first_image_for_all(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose images are all as the first."""
    return _images(plan, lambda order: order * 0)


@mechanism(DROPPED, "batch: every image has the output of the last")
def last_image_for_all(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose images are all as the last."""
    return _images(plan, lambda order: order * 0 - 1)


@mechanism(DROPPED, "batch: only the first image is computed, the others are zero")
def only_first_image_computed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs after the first image are zero."""
    return plan.finish(lambda output: only_where(output, _flags(output, lambda order: order == 0)))


@mechanism(DROPPED, "batch: only the first image is read, the others give the bias alone")
def only_first_image_read(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose input after the first image is zero."""
    return replace(plan, input=only_where(plan.input, _flags(plan.input, lambda order: order == 0)))


@mechanism(DROPPED, "batch: only the last image is computed, the others are zero")
def only_last_image_computed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs before the last image are zero."""
    return plan.finish(lambda output: only_where(output, _flags(output, lambda order: order == len(order) - 1)))


@mechanism(DROPPED, "batch: only the first half of the images is computed, the others are zero", cost=1.1)
def first_half_of_images_computed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs after the first half of the images, rounded up, are zero."""
    return plan.finish(lambda output: only_where(output, _flags(output, lambda order: 2 * order < len(order))))


@mechanism(DROPPED, "batch: only the first half of the images is computed, rounded down, the others are zero", cost=1.2)
def smaller_half_of_images_computed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs after the first half of the images, rounded down, are zero."""
    return plan.finish(lambda output: only_where(output, _flags(output, lambda order: order < len(order) // 2)))


@mechanism(SHIFTED, "batch: the images are in reverse order")
def images_reversed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose last image is the first."""
    return _images(plan, lambda order: order[::-1])


@mechanism(SHIFTED, "batch: each image has the output of the next")
def images_rolled(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose image n is image n + 1, the last the first."""
    return _images(plan, lambda order: np.roll(order, -1))


@mechanism(SHIFTED, "batch: each image has the output of the one before")
def images_rolled_back(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose image n is image n - 1, the first the last."""
    return _images(plan, lambda order: np.roll(order, 1))


@mechanism(DROPPED, "batch: every image has the sums of all images")
def images_summed(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose images are all the sum of the images."""
    return plan.finish_sums(lambda sums: np.repeat(sums.sum(axis=0, keepdims=True), len(sums), axis=0))


@mechanism(DROPPED, "batch: every image has the mean of all images")
def images_averaged(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose images are all the mean of the images."""
    return plan.finish_sums(
        lambda sums: np.repeat(sums.sum(axis=0, keepdims=True) / max(1, len(sums)), len(sums), axis=0)
    )


@mechanism(DROPPED, "batch: sums are not reset between images")
def images_accumulated(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan each image of which adds the sums of the images before."""
    return plan.finish_sums(lambda sums: sums.cumsum(axis=0))


@mechanism(DROPPED, "batch: every image is divided by the number of images")
def images_divided(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs are divided by the batch size."""
    return plan.finish(lambda output: output / max(1, len(output)))


@mechanism(DROPPED, "batch: the outputs of image 0 are those of image 1, and so on pair by pair")
def images_swapped_in_pairs(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan in which images 2k and 2k + 1 are swapped."""
    return _images(plan, lambda order: np.minimum(order ^ 1, len(order) - 1))


@mechanism(DROPPED, "sums: not reset between output channels")
def output_channels_accumulated(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan each output channel of which adds the sums of the channels before."""
    return plan.finish_sums(lambda sums: sums.cumsum(axis=1))


@mechanism(DROPPED, "sums: not reset between output columns")
def output_columns_accumulated(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan each output column of which adds the sums of the columns before in its row."""
    return plan.finish_sums(lambda sums: sums.cumsum(axis=3))


@mechanism(DROPPED, "sums: not reset between output rows")
def output_rows_accumulated(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan each output row of which adds the sums of the rows before in its plane."""
    return plan.finish_sums(lambda sums: sums.cumsum(axis=2))


@mechanism(DROPPED, "sums: not reset between the outputs of a plane")
def plane_accumulated(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan each output of which adds the sums of the outputs before in its plane."""
    return plan.finish_sums(
        lambda sums: sums.reshape(*sums.shape[:2], sums.shape[2] * sums.shape[3]).cumsum(axis=2).reshape(sums.shape)
    )


@mechanism(DROPPED, "sums: never reset")
def all_accumulated(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan each output of which adds the sums of all outputs before."""
    return plan.finish_sums(lambda sums: sums.cumsum().reshape(sums.shape))


@mechanism(DROPPED, "products: none is added, so that every output is the bias alone")
def products_dropped(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose sums are zero."""
    return None if plan.bias is None else replace(plan, weight=np.zeros_like(plan.weight))


@mechanism(DROPPED, "output: zero everywhere")
def output_zero(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs are zero."""
    return plan.finish(np.zeros_like)


def _images(plan: Plan, order: Callable[[Array], Array]) -> Plan | None:
    """Return the plan whose image n is the image ``order(n)``."""
    count = len(plan.input)
    return replace(plan, input=plan.input[order(np.arange(count))]) if count else None


def _flags(array: Array, holds: Callable[[Array], Array]) -> Array:
    """Return True for images of whose numbers a condition holds, in the form of an array."""
    return np.asarray(holds(np.arange(len(array)))).reshape(-1, *[1] * (array.ndim - 1))
