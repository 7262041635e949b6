"""Readings: mechanisms that change arguments, under each rule by which a kernel may size its output.

A kernel that misreads an argument either sizes its output by the wrong value too, or allocates the right size. In the
second case it cuts off what is too much; what is missing is read as zeros, left unwritten, or raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Change, Mechanism, declare, family
from convgauge.diagnosis.outcome import changed
from convgauge.diagnosis.plan import Finish, Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.trial import failing_calls, predicting
from convgauge.problem import Pair
from convgauge.reference.operands import Array

RIGHT_SIZE_COST, RARE_SIZE_COST = 0.1, 0.2
"""Further costs of a reading whose output has the right size: it says more than the reading itself."""

MAX_PROPOSED = 12
"""Readings with a rare rule of size that are proposed for the samples of one implementation."""


@dataclass(frozen=True)
class Reading:
    """A change of arguments; see `Mechanism` for its fields."""

    slug: str
    kind: MechanismKind
    sentence: str
    change: Change
    cost: float

    def mechanism(self, suffix: str, words: str, change: Change, cost: float = RARE_SIZE_COST) -> Mechanism:
        """Return the mechanism of this reading with a rule of size."""
        return Mechanism(f"{self.slug}_{suffix}", self.kind, f"{self.sentence}; {words}", change, self.cost + cost)

    @property
    def with_its_size(self) -> Mechanism:
        """Mechanism whose output has the size that follows from the changed arguments, and 'same' its padding."""
        return Mechanism(self.slug, self.kind, self.sentence, _following(self.change), self.cost)

    @property
    def with_right_size(self) -> Mechanism:
        """Mechanism whose output has the right size, so that it is cut or reads zeros beyond the input."""
        change = _resized(self.change, _cut_or_extended)
        return self.mechanism("right_size", "the output has the right size", change, RIGHT_SIZE_COST)


_READINGS: list[Reading] = []


def declare_reading(
    slug: str, kind: MechanismKind, sentence: str, change: Change, cost: float = 1.0, *, has_right_size: bool = True
) -> None:
    """Declare a change of arguments as mechanisms: with each size, or with the size that follows alone."""
    _READINGS.append(Reading(slug, kind, sentence, change, cost))
    for each in variants(slug, kind, sentence, change, cost)[: 1 + has_right_size]:
        declare(each)


def variants(slug: str, kind: MechanismKind, sentence: str, change: Change, cost: float) -> tuple[Mechanism, Mechanism]:
    """Return a change of arguments as two mechanisms: with the size that follows, and with the right size."""
    each = Reading(slug, kind, sentence, change, cost)
    return each.with_its_size, each.with_right_size


def reading(
    kind: MechanismKind, sentence: str, *, cost: float = 1.0, has_right_size: bool = True
) -> Callable[[Change], Change]:
    """Declare a change of arguments as mechanisms; the name of the function is the slug."""

    def decorate(change: Change) -> Change:
        declare_reading(change.__name__, kind, sentence, change, cost, has_right_size=has_right_size)
        return change

    return decorate


def _following(change: Change) -> Change:
    """Return a change after which the padding of 'same' is that of the changed kernel."""

    def changed(plan: Plan, sample: Sample) -> Plan | None:
        other = change(plan, sample)
        if other is None or not _changes_same(other, plan, sample):
            return other
        vertical, horizontal = (((extent - 1) // 2, extent // 2) for extent in other.extent)
        return replace(other, pads=(vertical, horizontal))

    return changed


def _changes_same(other: Plan, plan: Plan, sample: Sample) -> bool:
    """Return True if a changed plan has another padding by the rule of 'same'."""
    return sample.problem.padding == "same" and other.extent != plan.extent and other.pads == plan.pads


Resize = Callable[[Plan, Pair], Plan]
"""Function of a changed plan and the right size."""


def _resized(change: Change, resize: Resize) -> Change:
    """Return a change whose output has the right size by a rule."""

    def changed(plan: Plan, sample: Sample) -> Plan | None:
        other = change(plan, sample)
        return other if other is None or other.size == plan.size else resize(other, plan.size)

    return changed


def _cut_or_extended(plan: Plan, size: Pair) -> Plan:
    """Return the plan with an output of the given size; what is beyond the input is read as zeros."""
    return replace(plan, output_size=size)


def without_output(plan: Plan) -> Plan:
    """Return a plan without an output: the kernel raises an exception."""
    return replace(plan, output_size=(0, 0))


def _raising_if_short(plan: Plan, size: Pair) -> Plan:
    is_short = any(have < needed for have, needed in zip(plan.size, size, strict=True))
    return without_output(plan) if is_short else _cut_or_extended(plan, size)


def _raising_if_unequal(plan: Plan, size: Pair) -> Plan:
    return without_output(plan)


def _left_at_zero(plan: Plan, size: Pair) -> Plan:
    return _written_into(plan, size, np.zeros_like)


def _left_at_bias(plan: Plan, size: Pair) -> Plan:
    return _written_into(plan, size, lambda output: np.zeros_like(output) + plan.bias_planes)


def _written_into(plan: Plan, size: Pair, blank: Finish) -> Plan:
    """Return the plan with an output of the given size, of which only what the input allows is written."""
    rows, columns = (max(0, n) for n in plan.size)

    def write(output: Array) -> Array:
        whole = blank(output)
        whole[:, :, :rows, :columns] = output[:, :, :rows, :columns]
        return whole

    return _cut_or_extended(plan, size).finish(write)


_RARE_RULES: dict[str, tuple[str, Resize]] = {
    "unwritten_zero": ("outputs that are missing are left at zero", _left_at_zero),
    "unwritten_bias": ("outputs that are missing hold the bias alone", _left_at_bias),
    "raises_if_short": ("it raises if the input ends before the last output", _raising_if_short),
    "raises_if_unequal": ("it raises if the output has not the right size", _raising_if_unequal),
}


@family
def readings_with_same_padding(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the readings of the dilation or the kernel that treat 'same' in another way than the usual one."""
    failing = failing_calls([sample for sample in samples if sample.problem.padding == "same"])
    return predicting(_with_same_padding(failing), failing, MAX_PROPOSED)


def _with_same_padding(failing: Sequence[Sample]) -> Iterator[Mechanism]:
    for each in _READINGS:
        plans = ((changed(each.with_its_size, sample), sample) for sample in failing)
        if any(other is not None and _changes_same(other, sample.plan, sample) for other, sample in plans):
            yield each.mechanism("same_kept", "the padding of 'same' stays right", each.change)
            change = _resized(_following(each.change), _cut_or_extended)
            yield each.mechanism(
                "same_follows", "the padding of 'same' follows, other outputs have the right size", change
            )


@family
def readings_with_rare_sizes(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the readings that predict a failing call by a rule of size that few kernels have."""
    return predicting(_with_rare_sizes(samples), failing_calls(samples), MAX_PROPOSED)


def _with_rare_sizes(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the readings that give another size than a failing call has, with each rare rule of size."""
    failing = [sample for sample in failing_calls(samples) if _has_right_size(sample)]
    for each in _READINGS:
        if any(_changes_size(each, sample) for sample in failing):
            for suffix, (words, resize) in _RARE_RULES.items():
                yield each.mechanism(suffix, words, _resized(each.change, resize))


def _has_right_size(sample: Sample) -> bool:
    return sample.observation.output is None or sample.observation.shape[2:] == sample.plan.size


def _changes_size(each: Reading, sample: Sample) -> bool:
    other = changed(each.with_its_size, sample)
    return other is not None and other.size != sample.plan.size
