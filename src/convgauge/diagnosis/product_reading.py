"""Reading of faults of blocks off the sums of a sample: products after some index are missing or added twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convgauge.diagnosis.block_faults import BlockFault, Effect
from convgauge.diagnosis.block_reading import blocks_ending_at
from convgauge.diagnosis.blocks import PRODUCT_AXES, Axis, Rule
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

MAX_OUTPUTS = 48
"""Outputs whose products are looked at."""

MAX_PERIOD = 8
"""Largest distance of products of which every m-th one is missing."""

MAX_LAST = 8
"""Largest number of last products that are missing whatever the size."""


def product_faults(sample: Sample) -> Iterator[BlockFault]:
    """Yield the faults of blocks of products that give what was observed in some outputs of a sample."""
    observed, expected = sample.observation.output, sample.expected
    if observed is None or observed.shape != expected.shape or not observed.size or not sample.plan.reduction:
        return
    indices = _some_outputs(observed, expected, sample.tolerance)
    products, bias = _products(sample.plan, indices)
    sums = observed[tuple(indices)] - bias
    for axis in PRODUCT_AXES:
        parts = axis.split(products, 1)
        terms = parts.reshape(len(products), -1, *parts.shape[1:]).sum(axis=(1, 3))
        if terms.shape[1] > 1:
            yield from _faults(axis, terms, sums, sample.tolerance)


def _some_outputs(observed: Array, expected: Array, tolerance: float) -> Array:
    """Return the indices (4, M) of some outputs, most of them wrong."""
    with np.errstate(all="ignore"):
        wrong = ~(np.abs(np.subtract(observed, expected, dtype=np.result_type(observed, np.float64))) <= tolerance)
    chosen = [_spread(np.flatnonzero(mask), count) for mask, count in ((wrong, MAX_OUTPUTS - 12), (~wrong, 12))]
    return np.array(np.unravel_index(np.concatenate(chosen), observed.shape))


def _spread(indices: Array, count: int) -> Array:
    """Return at most a number of indices, at equal distances."""
    return indices[np.linspace(0, len(indices) - 1, min(count, len(indices))).astype(int)] if len(indices) else indices


def _products(plan: Plan, indices: Array) -> tuple[Array, Array]:
    """Return the products (M, C / G, KH, KW) of some outputs, and the bias (M,) of each."""
    images, filters, rows, columns = indices
    group = filters // max(1, len(plan.weight) // plan.groups)
    channels = plan.weight.shape[1]
    fields = plan.fields()[images, :, rows, columns]
    taken = (group * channels)[:, None] + np.arange(channels)
    products = fields[np.arange(len(images))[:, None], taken] * plan.weight[filters]
    return products, np.zeros(len(filters)) if plan.bias is None else plan.bias[filters]


def _faults(axis: Axis, terms: Array, sums: Array, tolerance: float) -> Iterator[BlockFault]:
    """Yield the faults of terms (M, K) that give some sums (M,)."""
    size, total = terms.shape[1], terms.sum(axis=1)[:, None]
    before = terms.cumsum(axis=1)[:, :-1]  # sums of the terms before 1, 2, ... K - 1
    after = total - before
    given: tuple[tuple[Effect, Array], ...] = (("zero", before), ("twice", total + after), ("alone", after))
    for effect, predicted in given:
        for cut in 1 + np.flatnonzero((np.abs(predicted - sums[:, None]) <= tolerance).all(axis=0)):
            yield from (BlockFault("weight", axis, rule, effect) for rule in _rules(int(cut), size, effect))
    for cut in 1 + np.flatnonzero((np.abs(after - sums[:, None]) <= tolerance).all(axis=0)):
        yield BlockFault("weight", axis, Rule("first", int(cut)), "zero")
    yield from _periodic(axis, terms, sums, tolerance)


def _rules(cut: int, size: int, effect: Effect) -> Iterator[Rule]:
    if size - cut <= MAX_LAST:
        yield Rule("last", size - cut)
    if effect != "alone":
        yield Rule("beyond", cut)
        yield from (Rule("remainder", m) for m in blocks_ending_at(cut, size))


def _periodic(axis: Axis, terms: Array, sums: Array, tolerance: float) -> Iterator[BlockFault]:
    """Yield the faults of every m-th term."""
    size, total = terms.shape[1], terms.sum(axis=1)
    for m in range(2, min(MAX_PERIOD, size) + 1):
        for start in range(m):
            first = terms[0, start::m].sum()
            if min(abs(total[0] - first - sums[0]), abs(first - sums[0])) > tolerance:
                continue
            part = terms[:, start::m].sum(axis=1)
            if (np.abs(total - part - sums) <= tolerance).all() and size > m:
                yield BlockFault("weight", axis, Rule("every", m, start), "zero")
            if (np.abs(part - sums) <= tolerance).all() and (start or size > m):
                yield BlockFault("weight", axis, Rule("every", m, start), "alone")
