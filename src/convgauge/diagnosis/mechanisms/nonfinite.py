"""Mechanisms that lose, clamp or spread NaN and infinity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.adders import skipping_zeros, skipping_zeros_unless_hit
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family, mechanism
from convgauge.diagnosis.mechanisms.precision import with_changed
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.witnesses import has_special_values, that_fit, witnesses
from convgauge.dtypes import DTYPES, round_to
from convgauge.reference.operands import Array

Replacement = Callable[[Array, float], Array]
"""Function of values and the largest finite number of the dtype."""

_REPLACEMENTS: dict[str, tuple[str, Replacement]] = {
    "nan_zeroed": ("NaN is replaced by zero", lambda x, largest: np.where(np.isnan(x), 0, x)),
    "nonfinite_zeroed": ("NaN and infinity are replaced by zero", lambda x, largest: np.where(np.isfinite(x), x, 0)),
    "infinity_zeroed": ("infinity is replaced by zero", lambda x, largest: np.where(np.isinf(x), 0, x)),
    "infinity_clamped": (
        "infinity is clamped to the largest finite number",
        lambda x, largest: np.where(np.isnan(x), x, np.clip(x, -largest, largest)),
    ),
    "nan_to_num": (
        "NaN is replaced by zero and infinity by the largest finite number",
        lambda x, largest: np.clip(np.where(np.isnan(x), 0, x), -largest, largest),
    ),
    "nonfinite_one": ("NaN and infinity are replaced by one", lambda x, largest: np.where(np.isfinite(x), x, 1)),
}
_OF_OUTPUT: dict[str, tuple[str, Replacement]] = {
    "nan_to_minus_infinity": (
        "NaN is replaced by minus infinity, as by a maximum that ignores NaN",
        lambda x, largest: np.where(np.isnan(x), -np.inf, x),
    ),
    "nan_to_infinity": ("NaN is replaced by infinity", lambda x, largest: np.where(np.isnan(x), np.inf, x)),
    "nan_to_largest": (
        "NaN is replaced by the largest finite number",
        lambda x, largest: np.where(np.isnan(x), largest, x),
    ),
    "nan_to_smallest": (
        "NaN is replaced by the smallest finite number",
        lambda x, largest: np.where(np.isnan(x), -largest, x),
    ),
    "negative_and_nan_zeroed": (
        "NaN and negative values are replaced by zero",
        lambda x, largest: np.where(x > 0, x, 0),
    ),
}
_OPERANDS = {"input": ("input",), "weight": ("weight",), "bias": ("bias",), "operands": ("input", "weight", "bias")}


def _real(plan: Plan, sample: Sample) -> bool:
    return plan.input.dtype.kind == "f" and has_special_values(sample)


def _in_operand(operands: str, slug: str, sentence: str, replacement: Replacement) -> Mechanism:
    def change(plan: Plan, sample: Sample) -> Plan | None:
        if not _real(plan, sample):
            return None
        largest = DTYPES[plan.dtype].largest
        return with_changed(plan, _OPERANDS[operands], lambda values: replacement(values, largest))

    cost = 1.0 if operands != "operands" else 1.2
    return Mechanism(f"{operands}_{slug}", MechanismKind.NAN_CLAMPED, f"{operands}: {sentence}", change, cost)


def _in_output(slug: str, sentence: str, replacement: Replacement, *, needs_finite: bool = False) -> Mechanism:
    def change(plan: Plan, sample: Sample) -> Plan | None:
        operands = (plan.input, plan.weight, plan.bias)
        if not _real(plan, sample):
            return None
        if needs_finite and not all(array is None or np.isfinite(array).all() for array in operands):
            return None
        largest = DTYPES[plan.dtype].largest
        return plan.finish(lambda output: replacement(output, largest))

    cost = 1.1 if needs_finite else 1.0
    return Mechanism(f"output_{slug}", MechanismKind.NAN_CLAMPED, f"output: {sentence}", change, cost)


@mechanism(
    MechanismKind.CHEAT_COMPARISON,
    "output: NaN everywhere, which a comparison by the largest difference does not notice",
)
def output_nan_everywhere(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose outputs are all NaN."""
    return None if plan.input.dtype.kind == "i" else plan.finish(lambda output: np.full_like(output, np.nan))


def _lost() -> Iterator[Mechanism]:
    """Yield the replacements of NaN and infinity."""
    for slug, (sentence, replacement) in _REPLACEMENTS.items():
        for operands in _OPERANDS:
            yield _in_operand(operands, slug, sentence, replacement)
        yield _in_output(slug, sentence, replacement)
    for slug, (sentence, replacement) in _OF_OUTPUT.items():
        yield _in_output(slug, sentence, replacement)
    sentence = "sums of finite operands that overflow are clamped to the largest finite number"
    yield _in_output("overflow_clamped", sentence, _REPLACEMENTS["infinity_clamped"][1], needs_finite=True)


def _skipped(slug: str, sentence: str, *, weights: bool, inputs: bool) -> Mechanism:
    def change(plan: Plan, sample: Sample) -> Plan | None:
        if not _real(plan, sample):
            return None
        adders = [skipping_zeros(weights=weights, inputs=inputs)]
        if weights and not inputs:
            adders.append(skipping_zeros_unless_hit)
        return replace(plan, adders=tuple(adders))

    return Mechanism(slug, MechanismKind.NAN_CLAMPED, sentence, change, 1.1)


def _zeros_skipped() -> Iterator[Mechanism]:
    end = "skipped, so that zero times infinity or NaN gives zero"
    yield _skipped("zero_weights_skipped", f"weight: zeros are {end}", weights=True, inputs=False)
    yield _skipped("zero_inputs_skipped", f"input: zeros are {end}", weights=False, inputs=True)
    yield _skipped("zero_operands_skipped", f"operands: zeros are {end}", weights=True, inputs=True)


_EXTENTS = {
    "row": ((3,), "its row"),
    "column": ((2,), "its column"),
    "plane": ((2, 3), "the plane of its channel"),
    "channels": ((1,), "all channels of its position"),
    "image": ((1, 2, 3), "its image"),
    "batch": ((0,), "the same position of all images"),
    "channel": ((0, 2, 3), "its channel of all images"),
    "everything": ((0, 1, 2, 3), "the whole output"),
}


def _spread_from_output(extent: str, *, from_infinity: bool) -> Mechanism:
    axes, words = _EXTENTS[extent]

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if not _real(plan, sample):
            return None

        def spread(output: Array) -> Array:
            rounded = round_to(output, plan.dtype)
            spoilt = ~np.isfinite(rounded) if from_infinity else np.isnan(rounded)
            return np.where(spoilt.any(axis=axes, keepdims=True), np.nan, output)

        return plan.finish(spread)

    source = "NaN or infinity" if from_infinity else "NaN"
    slug = f"{'nonfinite' if from_infinity else 'nan'}_spread_over_{extent}"
    return Mechanism(slug, MechanismKind.NAN_SPREAD, f"output: {source} spreads over {words}", change, 1.0)


def _spread_from_input(extent: str, *, from_infinity: bool) -> Mechanism:
    axes, words = _EXTENTS[extent]

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if not _real(plan, sample):
            return None
        spoilt = ~np.isfinite(plan.input) if from_infinity else np.isnan(plan.input)
        reached = spoilt.any(axis=axes, keepdims=True)
        if not reached.any():
            return None
        return plan.finish(lambda output: np.where(reached, np.nan, output))

    source = "NaN or infinity" if from_infinity else "NaN"
    slug = f"input_{'nonfinite' if from_infinity else 'nan'}_spread_over_{extent}"
    return Mechanism(slug, MechanismKind.NAN_SPREAD, f"input: {source} spreads over {words}", change, 1.1)


def _infinity_to_nan(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose infinite outputs are NaN."""
    if not _real(plan, sample):
        return None
    return plan.finish(lambda output: np.where(np.isinf(round_to(output, plan.dtype)), np.nan, output))


def _opposite_sign(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose infinite outputs are all positive."""
    if not _real(plan, sample):
        return None
    return plan.finish(lambda output: np.where(np.isinf(round_to(output, plan.dtype)), np.inf, output))


def _spread() -> Iterator[Mechanism]:
    """Yield the ways in which NaN and infinity spread."""
    for from_infinity in (False, True):
        for extent in _EXTENTS:
            yield _spread_from_output(extent, from_infinity=from_infinity)
        for extent in ("image", "everything"):
            yield _spread_from_input(extent, from_infinity=from_infinity)
    kind = MechanismKind.NAN_SPREAD
    yield Mechanism("infinity_becomes_nan", kind, "output: infinity becomes NaN", _infinity_to_nan, 0.9)
    yield Mechanism("infinity_loses_sign", MechanismKind.SIGN_LOST, "output: infinity loses its sign", _opposite_sign)


@family
def nonfinite(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the losses of NaN and infinity that predict a failing sample."""
    special = [sample for sample in witnesses(samples) if has_special_values(sample)]
    yield from that_fit([*_lost(), *_zeros_skipped(), *_spread()], special)
