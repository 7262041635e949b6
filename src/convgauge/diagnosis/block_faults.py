"""Faults of blocks: mechanisms that drop, double or copy the elements of an axis that a rule names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from convgauge.diagnosis.blocks import FILTER_GROUPS, FILTERS, INPUT_GROUPS, Axis, Rule, Source, sources
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

Target = Literal["output", "sums", "bias", "weight", "input"]
"""Array that a fault changes: the output, the sums before the bias, the bias of each output, or an operand."""

Effect = Literal["zero", "twice", "alone"] | Source
"""Effect on the affected elements: zero, doubled, all others zero, or copied from other elements."""

INDEX_LIMITS = (127, 2**8 - 1, 2**8, 2**15 - 1, 2**15, 2**16 - 1, 2**16)
"""Sizes at which an index of 8 or 16 bits overflows."""

LARGE_INDEX = 2048
"""Size from which a limit is one of an index rather than of a block."""

_WORDS = {
    ("output", "zero"): "zero",
    ("sums", "zero"): "the bias alone",
    ("bias", "zero"): "without the bias",
    ("output", "twice"): "doubled",
    ("sums", "twice"): "doubled before the bias is added",
    ("weight", "zero"): "not added",
    ("weight", "twice"): "added twice",
    ("weight", "alone"): "the only ones that are added",
    ("input", "zero"): "read as zero",
}
_COPIED = {
    "previous_block": "copies of the block before",
    "start": "copies of the first ones",
    "modulo": "copies of those from the start, repeatedly",
    "clamped": "copies of the last one before",
    "before": "copies of the one before each",
}
_OF_FILTERS = (FILTERS, FILTER_GROUPS, INPUT_GROUPS)


@dataclass(frozen=True)
class BlockFault:
    """A fault of the elements of an axis."""

    target: Target
    axis: Axis
    rule: Rule
    effect: Effect

    @property
    def slug(self) -> str:
        """Name of the mechanism."""
        return f"{self.axis.slug}_{self.rule.slug}_{self.target}_{self.effect}"

    @property
    def sentence(self) -> str:
        """Sentence of the mechanism."""
        words = _WORDS.get((self.target, self.effect)) or _COPIED[self.effect]
        if self.target == "sums" and self.effect in _COPIED:
            words += ", with their own bias"
        return f"{self.axis.topic}: {self.rule.words} {'is' if self.rule.is_singular else 'are'} {words}"

    @property
    def kind(self) -> MechanismKind:
        """Kind of the mechanism."""
        if self.target == "bias":
            return MechanismKind.BIAS_DROPPED
        if self.is_of_index:
            return MechanismKind.INDEX_OVERFLOW
        if self.target == "input" and self.axis not in _OF_FILTERS and self.effect in _COPIED:
            return MechanismKind.GROUPS_PERMUTED
        return MechanismKind.GROUPS_IGNORED if self.axis in _OF_FILTERS else MechanismKind.TAIL_DROPPED

    @property
    def cost(self) -> float:
        """Complexity. A limit of an index is more likely than a block or a tail that ends there."""
        return (1.2 if self.is_of_index else self.rule.cost) + self.axis.cost

    @property
    def is_of_index(self) -> bool:
        """True if the elements are those that an index of 8 or 16 bits does not reach."""
        return self.rule.form == "beyond" and (self.rule.m in INDEX_LIMITS or self.rule.m > LARGE_INDEX)

    def mechanism(self) -> Mechanism:
        """Return the mechanism."""
        return Mechanism(self.slug, self.kind, self.sentence, self.change, self.cost)

    def change(self, plan: Plan, sample: Sample) -> Plan | None:
        """Return the plan as a kernel with this fault reads it."""
        if self.target == "output":
            return plan.finish(lambda output: self.applied(output, plan.groups))
        if self.target == "sums":
            return plan.finish_sums(lambda sums: self.applied(sums, plan.groups))
        if self.target == "bias":
            return self._without_bias(plan)
        if self.target == "input":
            return replace(plan, input=self.applied(plan.input, plan.groups))
        return replace(plan, weight=self.applied(plan.weight, plan.groups))

    def _without_bias(self, plan: Plan) -> Plan | None:
        """Return the plan whose bias is added to the sums, except to the affected ones."""
        if plan.bias is None:
            return None
        bias = plan.bias[:, None, None] if plan.bias.ndim == 1 else plan.bias
        added = replace(plan, bias=None)
        return added.finish_sums(lambda sums: sums + self.applied(np.broadcast_to(bias, sums.shape), plan.groups))

    def applied(self, array: Array, groups: int) -> Array:
        """Return an array with the effect on its affected elements."""
        parts = self.axis.split(array, groups)
        return self.axis.join(self._changed(parts), array.shape)

    def _changed(self, parts: Array) -> Array:
        size = parts.shape[1]
        if self.effect in _COPIED:
            return np.asarray(parts.take(sources(self.rule, cast(Source, self.effect), size), axis=1))
        affected = self.rule.affected(size)
        changed = np.zeros_like(parts) if self.effect == "alone" else parts.copy()
        changed[:, affected] = 0 if self.effect == "zero" else parts[:, affected] * (1 + (self.effect == "twice"))
        return changed
