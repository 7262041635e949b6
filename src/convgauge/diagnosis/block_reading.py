"""Reading of faults of blocks off the wrong outputs of a sample: which axis, from which index, with what effect."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convgauge.diagnosis.block_faults import BlockFault, Effect, Target
from convgauge.diagnosis.blocks import OUTPUT_AXES, Axis, Form, Rule, Source
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

MAX_BLOCK = 1024
"""Largest size of a block that is considered."""

MAX_PERIOD = 64
"""Largest distance of outputs of which every m-th one is wrong."""


def output_faults(sample: Sample) -> Iterator[BlockFault]:
    """Yield the faults of blocks of outputs that give what was observed in a sample."""
    observed, expected = sample.observation.output, sample.expected
    if observed is None or observed.shape != expected.shape or not observed.size:
        return
    reading = _Reading(sample, observed, expected)
    forms: set[tuple[int | bool, ...]] = set()
    for axis in OUTPUT_AXES:
        parts = axis.split(reading.wrong, sample.problem.groups)
        form = (axis.is_channels_last, *parts.shape)
        if parts.shape[1] > 1 and form not in forms:
            forms.add(form)
            yield from reading.faults(axis)


class _Reading:
    """Outputs of a sample: observed, expected, the bias, and which are wrong."""

    def __init__(self, sample: Sample, observed: Array, expected: Array) -> None:
        self._groups = sample.problem.groups
        self._tolerance = sample.tolerance
        wide = np.result_type(observed, expected, np.float64)
        self._observed, self._expected = observed.astype(wide), expected.astype(wide)
        self.wrong = ~self._near(self._observed, self._expected)
        bias = sample.call.bias
        self._bias = None if bias is None else np.broadcast_to(bias.astype(wide)[:, None, None], observed.shape)

    def _near(self, got: Array, wanted: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(np.abs(got - wanted) <= self._tolerance)

    def faults(self, axis: Axis) -> Iterator[BlockFault]:
        """Yield the faults along an axis."""
        wrong = np.asarray(axis.split(self.wrong, self._groups).any(axis=(0, 2)))
        indices = np.flatnonzero(wrong)
        if not indices.size:
            return  # the accuracy of the whole is too low, and no single output is wrong
        size, first = len(wrong), int(indices[0])
        affected = slice(first, size)
        if first:
            for target, effect in self._effects(axis, affected):
                yield from (BlockFault(target, axis, rule, effect) for rule in _tails(first, size))
            yield from self._copies(axis, first, size)
        elif len(indices) < size and indices[-1] == len(indices) - 1:
            for target, effect in self._effects(axis, slice(0, len(indices))):
                yield BlockFault(target, axis, Rule("first", len(indices)), effect)
        yield from self._periodic(axis, indices, size)

    def whole(self) -> bool:
        """Return True if every output is zero."""
        return not self._observed.any()

    def _effects(self, axis: Axis, affected: slice) -> Iterator[tuple[Target, Effect]]:
        """Yield what was observed of the affected elements."""
        got, right = (axis.split(array, self._groups)[:, affected] for array in (self._observed, self._expected))
        if not got.any():
            yield "output", "zero"
        if self._near(got, 2 * right).all():
            yield "output", "twice"
        if self._bias is None:
            return
        bias = axis.split(self._bias, self._groups)[:, affected]
        if self._near(got, bias).all():
            yield "sums", "zero"
        if self._near(got, right - bias).all():
            yield "bias", "zero"
        if self._near(got, 2 * right - bias).all():
            yield "sums", "twice"

    def _copies(self, axis: Axis, first: int, size: int) -> Iterator[BlockFault]:
        """Yield the faults that copy the elements from the first wrong one."""
        for source, form in _COPIES:
            rules = [rule for rule in _tails(first, size) if rule.form == form]
            for rule in rules:
                for target in _TARGETS:
                    fault = BlockFault(target, axis, rule, source)
                    if self._is_given_by(fault):
                        yield fault

    def _is_given_by(self, fault: BlockFault) -> bool:
        bias = 0 if self._bias is None else self._bias
        if fault.target == "sums":
            return bool(self._near(self._observed, fault.applied(self._expected - bias, self._groups) + bias).all())
        return bool(self._near(self._observed, fault.applied(self._expected, self._groups)).all())

    def _periodic(self, axis: Axis, indices: Array, size: int) -> Iterator[BlockFault]:
        """Yield the faults of every m-th element."""
        if len(indices) < 2:
            return
        period, start = int(indices[1] - indices[0]), int(indices[0])
        if not 1 < period <= MAX_PERIOD or start >= period or len(indices) != len(range(start, size, period)):
            return
        if (np.diff(indices) != period).any():
            return
        rule = Rule("every", period, start)
        for target, effect in self._effects(axis, slice(start, size, period)):
            yield BlockFault(target, axis, rule, effect)
        if start:
            for target in _TARGETS:
                fault = BlockFault(target, axis, rule, "before")
                if self._is_given_by(fault):
                    yield fault


_TARGETS: tuple[Target, ...] = ("output", "sums")
_COPIES: tuple[tuple[Source, Form], ...] = (
    ("previous_block", "remainder"),
    ("clamped", "remainder"),
    ("start", "remainder"),
    ("start", "beyond"),
    ("modulo", "beyond"),
    ("clamped", "beyond"),
    ("before", "last"),
)


def _tails(first: int, size: int) -> Iterator[Rule]:
    """Yield the rules whose elements are those of an axis of a size from an index to the end."""
    if size - first <= MAX_PERIOD:
        yield Rule("last", size - first)
    yield Rule("beyond", first)
    yield from (Rule("remainder", m) for m in blocks_ending_at(first, size))


def blocks_ending_at(first: int, size: int) -> list[int]:
    """Return the sizes of blocks of which the last whole one of an axis ends at an index."""
    divisors = [first // count for count in range(1, first + 1) if first % count == 0] if first <= 4096 else []
    return [m for m in divisors if 2 <= m <= MAX_BLOCK and size // m * m == first]
