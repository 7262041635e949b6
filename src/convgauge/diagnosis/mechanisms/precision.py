"""Mechanisms that round operands or the output to a narrower type, or to fewer digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.rounding import NARROW_TYPES, Mode, Rounding, name_of, narrower_types, to_digits, to_type
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.witnesses import relative_error, that_fit, witnesses
from convgauge.dtypes import DTYPES
from convgauge.reference.operands import Array

OPERANDS = {
    "operands": ("input", "weight"),
    "input": ("input",),
    "weight": ("weight",),
    "bias": ("bias",),
    "operands_and_bias": ("input", "weight", "bias"),
}
"""Operands that are rounded together."""

_TOPICS = {"operands": "operands: they are", "operands_and_bias": "operands and bias: they are"}
_MODES: tuple[tuple[Mode, str], ...] = (("nearest", "rounded"), ("truncated", "truncated"), ("away", "rounded"))
MAX_ERROR = 0.25
"""Error divided by S of an operand that is rounded to two digits, the fewest that are searched."""

MAX_SEARCHED = 3
"""Samples on which a search over parameters is made."""

_DIGITS = range(2, 24)


def with_changed(plan: Plan, names: Sequence[str], change: Callable[[Array], Array]) -> Plan:
    """Return a plan with some of its operands changed."""
    arrays: dict[str, Any] = {name: getattr(plan, name) for name in names}
    with np.errstate(all="ignore"):
        changed: dict[str, Any] = {name: change(array) for name, array in arrays.items() if array is not None}
    return replace(plan, **changed)


def _topic(operands: str) -> str:
    return _TOPICS.get(operands, f"{operands}: it is")


def _narrowed(operands: str, type_name: str, mode: Mode, verb: str) -> Mechanism:
    """Return the mechanism that rounds operands to a narrower type."""
    exact = to_type(type_name) if mode == "nearest" else to_digits(NARROW_TYPES[type_name], mode)

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if type_name not in narrower_types(plan.dtype) or (type_name == "tf32" and plan.dtype != "float32"):
            return None
        return with_changed(plan, OPERANDS[operands], exact)

    slug = f"{operands}_{verb if mode != 'away' else 'rounded_away'}_to_{type_name}"
    cost = 1.0 + 0.1 * (len(OPERANDS[operands]) > 2) + 0.1 * (mode == "away")
    sentence = f"{_topic(operands)} {verb} to {name_of(type_name)}"
    return Mechanism(slug, MechanismKind.NARROWED_OPERANDS, sentence, change, cost)


def _narrowed_to_types() -> Iterator[Mechanism]:
    for operands in OPERANDS:
        for type_name in NARROW_TYPES:
            for mode, verb in _MODES:
                if mode != "away" or type_name == "tf32":
                    yield _narrowed(operands, type_name, mode, verb)


def _shortened(operands: str, digits: int, mode: Mode, verb: str) -> Mechanism:
    """Return the mechanism that rounds operands to a number of digits."""
    rounding = to_digits(digits, mode)

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if sample.plan.input.dtype.kind == "i" or plan.dtype in ("float16", "bfloat16"):
            return None
        return with_changed(plan, OPERANDS[operands], rounding)

    sentence = f"{_topic(operands)} {verb} to {digits - 1} bits of fraction"
    return Mechanism(
        f"{operands}_{verb}_to_{digits}_digits", MechanismKind.NARROWED_OPERANDS, sentence, change, cost=1.5
    )


def _quantised(operand: str, levels: int, axes: tuple[int, ...], scope: str) -> Mechanism:
    """Return the mechanism that rounds an operand to multiples of a part of its largest element.

    The steps are computed in the operand's own dtype, as a kernel does: their rounding decides near a half step.
    """

    def quantise(values: Array, dtype: str) -> Array:
        values = values.astype(dtype) if dtype in ("float32", "float64") else values
        largest = np.abs(values).max(axis=axes, keepdims=True, initial=0.0)
        step = np.where(largest > 0, largest, 1.0) / levels
        return np.asarray(np.rint(values / step) * step, np.float64)

    def change(plan: Plan, sample: Sample) -> Plan | None:
        values: Array = getattr(plan, operand)
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            return None
        return with_changed(plan, (operand,), lambda array: quantise(array, plan.dtype))

    sentence = f"{operand}: it is rounded to multiples of 1/{levels} of its largest element{scope}"
    slug = f"{operand}_quantised_to_{levels}{'_each' if scope else ''}"
    return Mechanism(slug, MechanismKind.NARROWED_OPERANDS, sentence, change, cost=1.5)


_LEVELS = sorted({2**bits - part for bits in range(3, 17) for part in (0, 1)})
_SCOPES = {
    "weight": (((0, 1, 2, 3), ""), ((1, 2, 3), " in each filter")),
    "input": (((0, 1, 2, 3), ""), ((1, 2, 3), " in each image")),
}


def _with_parameters() -> Iterator[Mechanism]:
    for operands in ("operands", "weight", "input", "bias"):
        for digits in _DIGITS:
            for mode, verb in _MODES[:2]:
                if digits not in NARROW_TYPES.values() or mode == "nearest":
                    yield _shortened(operands, digits, mode, verb)
    for operand, scopes in _SCOPES.items():
        for axes, scope in scopes:
            yield from (_quantised(operand, levels, axes, scope) for levels in _LEVELS)


def _unless_whole(type_name: str) -> Mechanism:
    """Return the mechanism that rounds inputs that are no whole numbers."""
    rounding = to_type(type_name)

    def change(plan: Plan, sample: Sample) -> Plan | None:
        is_whole = bool(np.array_equal(plan.input, np.rint(plan.input)))
        if is_whole or type_name not in narrower_types(plan.dtype):
            return None
        return with_changed(plan, ("input",), rounding)

    sentence = f"input: it is rounded to {name_of(type_name)} unless its elements are whole numbers"
    return Mechanism(
        f"input_rounded_to_{type_name}_unless_whole", MechanismKind.STRUCTURE_ASSUMED, sentence, change, cost=1.6
    )


def of_output(slug: str, sentence: str, change: Callable[[str], Rounding | None]) -> Mechanism:
    """Return a mechanism that rounds the output; ``change`` returns the rounding for a dtype, or None."""

    def finish(plan: Plan, sample: Sample) -> Plan | None:
        rounding = change(plan.dtype)
        return None if rounding is None else plan.finish(rounding)

    return Mechanism(slug, MechanismKind.NARROW_ACCUMULATOR, sentence, finish, cost=1.1)


def _truncation(dtype: str) -> Rounding | None:
    digits, largest = {"float16": 11, "bfloat16": 8, "float32": 24}.get(dtype), DTYPES[dtype].largest
    if digits is None:
        return None
    truncate = to_digits(digits, "truncated", dtype)

    def rounding(values: Array) -> Array:
        truncated = truncate(values)
        return np.where(np.isfinite(values), np.clip(truncated, -largest, largest), truncated)

    return rounding


def _outputs() -> Iterator[Mechanism]:
    yield of_output("output_truncated", "output: it is truncated instead of rounded", _truncation)
    for type_name in NARROW_TYPES:
        for mode, verb in _MODES[:2]:
            rounding = to_type(type_name) if mode == "nearest" else to_digits(NARROW_TYPES[type_name], mode)

            def narrow(dtype: str, rounding: Rounding = rounding, type_name: str = type_name) -> Rounding | None:
                return rounding if type_name in narrower_types(dtype) else None

            yield of_output(f"output_{verb}_to_{type_name}", f"output: it is {verb} to {name_of(type_name)}", narrow)


@family
def narrowed(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the roundings of operands and outputs that predict a failing sample."""
    slightly_wrong = [sample for sample in witnesses(samples) if relative_error(sample) <= MAX_ERROR]
    named = list(that_fit([*_narrowed_to_types(), *_outputs()], slightly_wrong))
    yield from named
    yield from that_fit([_unless_whole(name) for name in NARROW_TYPES], slightly_wrong)
    unexplained = [sample for sample in slightly_wrong if not any(that_fit(named, [sample]))]
    yield from that_fit(_with_parameters(), unexplained[:MAX_SEARCHED])
