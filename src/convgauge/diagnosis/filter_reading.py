"""Reading of faults of filters and groups: from some index they have those of other filters, or read other channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convgauge.diagnosis.block_faults import BlockFault, Target
from convgauge.diagnosis.blocks import CHANNELS, FILTER_GROUPS, FILTERS, INPUT_GROUPS, OUTPUT_AXES, Axis, Rule, Source
from convgauge.diagnosis.sample import Sample

SOURCES: tuple[Source, ...] = ("start", "modulo", "clamped")

MAX_PRODUCTS_TRIED = 200_000
"""Products of a sample with which limits of the input's channels are tried."""

CHANNEL_LIMITS = (4, 8, 16, 32, 64, 128, 255, 256, 512, 1024)
"""Limits of the index of an input channel that are tried: no output shows where they are."""


def filter_faults(sample: Sample) -> Iterator[BlockFault]:
    """Yield the faults that give what was observed in a sample."""
    yield from (fault for fault in _proposed(sample) if _is_given_by(fault, sample))


def _proposed(sample: Sample) -> Iterator[BlockFault]:
    by_slug = {axis.slug: axis for axis in OUTPUT_AXES}
    pairs: tuple[tuple[Axis, Axis, Target], ...] = (
        (by_slug["output_channels"], FILTERS, "weight"),
        (by_slug["groups"], FILTER_GROUPS, "weight"),
        (by_slug["groups"], INPUT_GROUPS, "input"),
    )
    for axis, changed, target in pairs:
        first = _first_wrong(sample, axis)
        if first > 1:
            yield from (BlockFault(target, changed, Rule("beyond", first), source) for source in SOURCES)
    if sample.problem.flops <= 2 * MAX_PRODUCTS_TRIED:
        channels = sample.problem.in_channels
        limits = [limit for limit in CHANNEL_LIMITS if limit < channels]
        for limit in limits[-3:]:
            yield from (BlockFault("input", CHANNELS, Rule("beyond", limit), source) for source in SOURCES)
            yield BlockFault("input", CHANNELS, Rule("beyond", limit), "zero")


def _first_wrong(sample: Sample, axis: Axis) -> int:
    """Return the first index of an axis of the output at which something is wrong; 0 if there is none."""
    observed, expected = sample.observation.output, sample.expected
    if observed is None or observed.shape != expected.shape or sample.fault is None:
        return 0
    wrong = axis.split(observed != expected, sample.problem.groups).any(axis=(0, 2))
    return int(np.argmax(wrong)) if wrong.any() else 0


def _is_given_by(fault: BlockFault, sample: Sample) -> bool:
    plan = fault.change(sample.plan, sample)
    return plan is not None and sample.fits(plan) and sample.differs(plan)
