"""Family of blocks: tails of images, channels, rows, columns, products or pixels that are dropped, doubled or copied.

The axis, the block's size and the effect are read off the failing samples: those that the most of them agree on are
proposed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from convgauge.diagnosis.block_faults import BlockFault
from convgauge.diagnosis.block_reading import output_faults
from convgauge.diagnosis.blocks import Rule
from convgauge.diagnosis.filter_reading import filter_faults
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.plan import MAX_PRODUCTS
from convgauge.diagnosis.product_reading import product_faults
from convgauge.diagnosis.sample import Sample

MAX_READ = 12
"""Failing samples that faults are read off, each of another problem: most of them small ones."""

MAX_TRIED = 3
"""Failing samples on which limits are tried that no single output shows."""

MAX_PROPOSED = 30
"""Faults that are proposed."""


@family
def blocks_of_an_axis(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Propose the faults of blocks that explain the most of the failing samples."""
    failing = _readable(samples)
    read_off = (dict.fromkeys(read(sample, number < MAX_TRIED)) for number, sample in enumerate(failing))
    votes = Counter(fault for faults in read_off for fault in faults)
    ranked = sorted(votes, key=lambda fault: (-votes[fault], fault.cost))
    proposed = ranked[:MAX_PROPOSED]
    wholes = [whole for fault in proposed if (whole := _whole(fault, failing)) is not None]
    yield from (fault.mechanism() for fault in [*wholes, *proposed])


def read(sample: Sample, tries_filters: bool = True) -> Iterator[BlockFault]:
    """Yield the faults of blocks that give what was observed in a sample, or in some outputs of it."""
    yield from output_faults(sample)
    yield from product_faults(sample)
    if tries_filters:
        yield from filter_faults(sample)


def _readable(samples: Sequence[Sample]) -> list[Sample]:
    """Return failing samples with exact outputs of the right shape, each of another problem."""
    by_problem = {
        sample.problem: sample
        for sample in samples
        if sample.fault is not None and sample.is_plain and sample.family == "exact"
        and sample.observation.output is not None and sample.problem.flops <= 2 * MAX_PRODUCTS
    }  # fmt: skip
    ordered = sorted(by_problem.values(), key=lambda sample: sample.problem.flops)
    small, others = ordered[: MAX_READ - 4], ordered[MAX_READ - 4 :]
    return [*small, *others[:: max(1, len(others) // 4)][:4]]


def _whole(fault: BlockFault, failing: Sequence[Sample]) -> BlockFault | None:
    """Return a fault of remainders that also affects axes of less than a block, if some sample shows it."""
    if fault.rule.form != "remainder":
        return None
    whole = replace(fault, rule=Rule("whole_remainder", fault.rule.m))
    return whole if any(_is_shown(whole, fault, sample) for sample in failing) else None


def _is_shown(whole: BlockFault, fault: BlockFault, sample: Sample) -> bool:
    """Return True if a sample shows the one fault and not the other."""
    with_whole, without = (each.change(sample.plan, sample) for each in (whole, fault))
    if with_whole is None or without is None or sample.fits(without):
        return False
    return sample.differs(with_whole) and sample.fits(with_whole)
