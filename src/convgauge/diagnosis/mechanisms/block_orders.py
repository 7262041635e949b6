"""Family of orders with a block's size: channels divided by m, modulo m, in swapped or reversed blocks, interleaved.

The size is found by trial on small failing samples, and only where the sample shows that something is permuted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from convgauge.diagnosis.changes import with_bias, with_channels
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.outcome import outcome
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

Form = Literal["divided", "modulo", "limited", "swapped", "reversed", "rolled", "interleaved"]
Target = Literal["bias", "sums", "output", "input"]

MAX_TRIED = 3
"""Failing samples on which sizes are tried."""

MAX_BLOCK = 32
INPUT_BLOCKS = (2, 4, 8, 16, 32)
"""Sizes that are tried for the input, of which no output shows that it is permuted."""

MAX_FLOPS = 400_000
"""FLOPs of a sample on which sizes are tried."""

MAX_CHANNELS = 256
"""Channels of a sample on which sizes are tried."""

_WORDS = {
    "divided": "channel o is read from o // {m}",
    "modulo": "channel o is read from o mod {m}",
    "limited": "all channels from {m} are as the one before",
    "swapped": "blocks of {m} channels are swapped in pairs",
    "reversed": "channels are in reverse order in blocks of {m}",
    "rolled": "channel o is read from o + {m}, beyond the end from the start",
    "interleaved": "channels are interleaved between {m} parts",
}
_TOPICS = {"bias": "bias", "sums": "filters", "output": "output channels", "input": "input channels"}


def order_of(form: Form, m: int, size: int) -> Array | None:
    """Return the order of channels in a form with blocks of m; None if it has no meaning for a number of channels."""
    order = np.arange(size)
    whole = size // m * m
    changed: dict[str, Callable[[], Array]] = {
        "divided": lambda: order // m,
        "modulo": lambda: order % m,
        "limited": lambda: np.minimum(order, m - 1),
        "swapped": lambda: np.where(order < size // (2 * m) * 2 * m, (order // m ^ 1) * m + order % m, order),
        "reversed": lambda: np.where(order < whole, order // m * m + m - 1 - order % m, order),
        "rolled": lambda: (order + m) % size,
        "interleaved": lambda: order.reshape(m, -1).T.reshape(-1) if whole == size else order,
    }
    result = changed[form]()
    return None if size < 2 or np.array_equal(result, order) else result


@dataclass(frozen=True)
class BlockOrder:
    """Channels of an operand or of the output that are in an order with blocks of m."""

    target: Target
    form: Form
    m: int

    def mechanism(self) -> Mechanism:
        """Return the mechanism."""
        sentence = f"{_TOPICS[self.target]}: {_WORDS[self.form].format(m=self.m)}"
        kind = MechanismKind.BIAS_AXIS if self.target == "bias" else MechanismKind.GROUPS_PERMUTED
        return Mechanism(f"{self.target}_{self.form}_{self.m}", kind, sentence, self.change, 1.4 + self.m / 1000)

    def change(self, plan: Plan, sample: Sample) -> Plan | None:
        """Return the plan as a kernel with this fault reads it."""
        size = plan.input.shape[1] if self.target == "input" else len(plan.weight)
        order = order_of(self.form, self.m, size)
        if order is None:
            return None
        if self.target == "bias":
            return with_bias(plan, lambda bias: bias[order])
        if self.target == "input":
            return with_channels(plan, order)
        taken = _taken(order)
        return plan.finish(taken) if self.target == "output" else plan.finish_sums(taken)


def _taken(order: Array) -> Callable[[Array], Array]:
    return lambda output: output[:, order]


@family
def channels_in_blocks(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Propose the orders that predict a failing sample."""
    proposed: dict[BlockOrder, None] = {}
    for sample in _readable(samples):
        fitting = (each for each in _tried(sample) if outcome(each.mechanism(), sample) == "fits")
        proposed |= dict.fromkeys(fitting)
    yield from (each.mechanism() for each in proposed)


def _readable(samples: Sequence[Sample]) -> list[Sample]:
    failing = {
        sample.problem: sample
        for sample in samples
        if sample.fault is not None and sample.is_plain and sample.family == "exact"
        and sample.observation.output is not None and sample.observation.output.shape == sample.problem.output_shape
        and 2 < sample.problem.out_channels <= MAX_CHANNELS and sample.problem.in_channels <= MAX_CHANNELS
        and 0 < sample.problem.flops <= MAX_FLOPS
    }  # fmt: skip
    ordered = sorted(failing.values(), key=lambda sample: sample.problem.flops)
    return ordered[:: max(1, len(ordered) // MAX_TRIED)][:MAX_TRIED]


def _tried(sample: Sample) -> Iterator[BlockOrder]:
    """Yield the orders that a sample may show."""
    problem = sample.problem
    sizes = range(2, min(problem.out_channels, MAX_BLOCK) + 1)
    targets: list[Target] = []
    if _is_constant_in_channels(sample):
        targets.append("bias")
    elif _holds_right_channels(sample):
        targets += ["output", "sums"]
    for target in targets:
        yield from (BlockOrder(target, form, m) for m in sizes for form in _FORMS)
    if not targets and problem.in_channels > 2:
        yield from (BlockOrder("input", form, m) for m in INPUT_BLOCKS if m < problem.in_channels for form in _FORMS)


_FORMS: tuple[Form, ...] = ("divided", "modulo", "limited", "swapped", "reversed", "rolled", "interleaved")


def _is_constant_in_channels(sample: Sample) -> bool:
    """Return True if the deviation of each output channel is one number, as from another bias."""
    observed = sample.observation.output
    if observed is None or sample.call.bias is None:
        return False
    deviation = np.subtract(observed, sample.expected, dtype=np.result_type(sample.expected, float))
    return bool((np.ptp(np.abs(deviation), axis=(0, 2, 3)) <= sample.tolerance).all())


def _holds_right_channels(sample: Sample) -> bool:
    """Return True if the sums of some wrong output channel are those of another channel."""
    observed = sample.observation.output
    assert observed is not None
    bias = 0.0 if sample.call.bias is None else sample.plan.bias_planes
    for removed in (0.0, bias):
        right = sample.expected - removed
        wrong = np.flatnonzero((observed != sample.expected).any(axis=(0, 2, 3)))
        taken = (observed - removed)[:, wrong[:1]]
        if (np.abs(taken - right) <= sample.tolerance).all(axis=(0, 2, 3)).any():
            return True
    return False
