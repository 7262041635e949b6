"""Mechanisms that raise for a padding of zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import mechanism
from convgauge.diagnosis.plan import Pads, Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array


def _written_by_slices(input: Array, pads: Pads) -> Array:
    """Return the padded input, whose interior is written through a slice [p:-p]. Raises `ValueError` as NumPy does."""
    (above, below), (left, right) = pads
    height, width = input.shape[2:]
    padded = np.zeros((*input.shape[:2], height + above + below, width + left + right), input.dtype)
    padded[:, :, above:-below, left:-right] = input
    return padded


@mechanism(MechanismKind.REFUSES_VALID, "padding: the interior is the slice [p:-p], which is empty for a padding of 0")
def padding_slice_of_zero(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan that writes the image through a slice."""
    return replace(plan, pad=_written_by_slices) if 0 in (plan.pads[0][1], plan.pads[1][1]) else None
