"""Mechanisms that flush subnormal or tiny numbers to zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.mechanisms.precision import with_changed
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.witnesses import that_fit, witnesses
from convgauge.dtypes import DTYPES, FLOATS
from convgauge.reference.operands import Array

_OPERANDS = {
    "input": ("input",), "weight": ("weight",), "bias": ("bias",), "operands": ("input", "weight"),
    "operands_and_bias": ("input", "weight", "bias"),
}  # fmt: skip
_TINY = tuple(10.0**-exponent for exponent in (3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20, 30))


def below(values: Array, limit: float) -> Array:
    """Return values with zeros in place of those that are smaller than a limit in magnitude."""
    return np.where(np.abs(values) < limit, 0.0, values)


def _smallest(dtype: str) -> float:
    return DTYPES[dtype].tiny if dtype in FLOATS else 0.0


def _flushed(operands: str, *, output: bool) -> Mechanism:
    names = _OPERANDS.get(operands, ())

    def change(plan: Plan, sample: Sample) -> Plan | None:
        limit = _smallest(plan.dtype)
        if not limit:
            return None
        changed = with_changed(plan, names, lambda values: below(values, limit))
        return changed.finish(lambda values: below(values, limit)) if output else changed

    topic = " and ".join(filter(None, [operands.replace("_", " "), "output" if output else ""]))
    slug = f"{topic.replace(' ', '_')}_subnormals_flushed"
    cost = 1.0 + 0.1 * (len(names) > 1) + 0.1 * (bool(names) and output)
    return Mechanism(
        slug, MechanismKind.SUBNORMALS_FLUSHED, f"{topic}: subnormal numbers are flushed to zero", change, cost
    )


def _tiny(topic: str, limit: float) -> Mechanism:
    def change(plan: Plan, sample: Sample) -> Plan | None:
        if plan.dtype not in FLOATS:
            return None
        if topic == "output":
            return plan.finish(lambda values: below(values, limit))
        return with_changed(plan, (topic,), lambda values: below(values, limit))

    sentence = f"{topic}: numbers below {limit:.0e} are replaced by zero"
    return Mechanism(f"{topic}_below_{limit:.0e}_zeroed", MechanismKind.SUBNORMALS_FLUSHED, sentence, change, 1.2)


def _all() -> Iterator[Mechanism]:
    for operands in _OPERANDS:
        yield _flushed(operands, output=False)
        yield _flushed(operands, output=True)
    yield _flushed("", output=True)
    for limit in _TINY:
        yield from (_tiny(topic, limit) for topic in ("output", "input", "weight"))


@family
def subnormals(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the losses of tiny numbers that predict a failing sample."""
    failing = [sample for sample in witnesses(samples) if sample.family != "exact"]
    yield from that_fit(_all(), failing)
