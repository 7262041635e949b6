"""Mechanisms that keep sums of products in a narrower floating-point type.

The order of summation is unknown, so that each mechanism has several: an output is predicted if one of them gives it.
Where a whole computation is in a narrower type than its output's, every output is a number of the narrower type, which
shows the type whatever the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.adders import (
    by_blocks,
    by_matrix_product,
    of_rounded_products,
    one_by_one,
    pairwise,
    rounded_once,
)
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Change, Mechanism, family
from convgauge.diagnosis.mechanisms.precision import MAX_SEARCHED, with_changed
from convgauge.diagnosis.plan import Adder, Plan
from convgauge.diagnosis.rounding import Mode, Rounding, to_digits, to_type
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.witnesses import relative_error, that_fit, witnesses
from convgauge.dtypes import DTYPES, FLOATS
from convgauge.reference.operands import Array

SUM_TYPES = ("float16", "bfloat16", "float32")
_BLOCKS = (2, 4, 8, 16, 32, 64, 128, 256)


def orders(rounding: Rounding, taps: int, reduction: int) -> tuple[Adder, ...]:
    """Return the usual orders of summation, rounded after each step; those that are computed in a few steps are first.

    Parameters
    ----------
    rounding : callable
        Rounding of partial sums.
    taps : int
        Number of taps of the kernel.
    reduction : int
        Number of products.
    """
    blocks = (by_blocks(rounding, size) for size in reversed(_BLOCKS) if size < reduction and size != taps)
    return (
        rounded_once(rounding),
        by_blocks(rounding, taps),
        by_blocks(rounding, taps, is_strided=True),
        of_rounded_products(rounding),
        pairwise(rounding, rounds_products=False),
        pairwise(rounding, rounds_products=True),
        *blocks,
        one_by_one(rounding, rounds_products=False),
        one_by_one(rounding, rounds_products=True),
        one_by_one(rounding, rounds_products=False, taps=taps),
        one_by_one(rounding, rounds_products=True, taps=taps),
    )


def _taps(plan: Plan) -> int:
    return int(plan.weight.shape[2] * plan.weight.shape[3])


def is_narrower(type_name: str, dtype: str) -> bool:
    """Return True if a type is narrower than the one in which a dtype's sums are due to be kept."""
    if dtype not in FLOATS and not dtype.startswith("complex"):
        return False
    return DTYPES[type_name].digits < DTYPES[DTYPES[dtype].accumulator].digits


def _kept_in(type_name: str, *, with_bias: bool) -> Change:
    """Return the change that keeps sums in a type that is not the operands'."""
    rounding = to_type(type_name)

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if plan.dtype == type_name or not is_narrower(type_name, plan.dtype):
            return None
        changed = replace(plan, adders=orders(rounding, _taps(plan), plan.reduction))
        return changed.finish(rounding) if with_bias and plan.bias is not None else changed

    return change


def _in_storage_dtype(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan with sums in the operands' 16-bit dtype."""
    if DTYPES[plan.dtype].accumulator == plan.dtype:
        return None
    return replace(plan, adders=orders(to_type(plan.dtype), _taps(plan), plan.reduction))


def _has_errors_of_storage_dtype(plan: Plan, sample: Sample) -> bool:
    """Return True if all errors are at most one rounding of each sum to the dtype, and one is above that of a result.

    Source of the bound: Higham 2002, *Accuracy and Stability of Numerical Algorithms*, section 4.2.
    """
    output, expected = sample.observation.output, sample.expected
    if output is None or output.shape != expected.shape or not np.isfinite(output).all():
        return False
    units = np.abs(output - expected) / np.maximum(DTYPES[plan.dtype].roundoff * sample.plan.magnitude(), 1e-300)
    return bool((units <= plan.reduction + 2).all() and units.max(initial=0.0) > 1)


def _has_none_of_storage_dtype(plan: Plan, sample: Sample) -> bool:
    """Return True if a passing call with many products has the error of its result's rounding alone."""
    is_visible = sample.family != "exact" and sample.observation.output is not None and plan.reduction >= MIN_VISIBLE
    return is_visible and not _has_errors_of_storage_dtype(plan, sample)


MIN_VISIBLE = 256
"""Products of a sum in 16 bits whose error is seen, in whatever order they are added."""


def _by_another_order(plan: Plan, sample: Sample) -> Plan | None:
    return None if DTYPES[plan.dtype].accumulator == plan.dtype else plan


def _computed_in(type_name: str) -> Change:
    """Return the change that computes everything in a narrower type."""
    rounding = to_type(type_name)

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if plan.dtype == type_name or not is_narrower(type_name, plan.dtype):
            return None
        narrowed = with_changed(plan, ("input", "weight", "bias"), rounding)
        adders = orders(rounding, _taps(plan), plan.reduction)[:6]
        if type_name == "float32":
            adders = (by_matrix_product("complex64" if plan.input.dtype.kind == "c" else "float32"), *adders)
        return replace(narrowed, adders=adders, accumulator=type_name).finish(rounding)

    return change


def _of_type(type_name: str) -> Iterator[Mechanism]:
    """Yield the accumulators of a type; of the operands' 16-bit dtype for ""."""
    kind = MechanismKind.NARROW_ACCUMULATOR
    if not type_name:
        sentence = "sums: they are kept in the operands' 16-bit dtype instead of float32"
        yield Mechanism("sums_in_storage_dtype", kind, sentence, _in_storage_dtype)
        sentence = f"{sentence}, in an order that is not known"
        yield Mechanism(
            "sums_in_storage_dtype_by_another_order", kind, sentence, _by_another_order, 2.0,
            _has_errors_of_storage_dtype, _has_none_of_storage_dtype,
        )  # fmt: skip
        return
    sentence = f"sums: they are kept in {type_name}"
    yield Mechanism(f"sums_in_{type_name}", kind, sentence, _kept_in(type_name, with_bias=False), 1.2)
    sentence = f"sums: they are kept in {type_name}, that with the bias as well"
    yield Mechanism(f"sums_and_bias_in_{type_name}", kind, sentence, _kept_in(type_name, with_bias=True), 1.3)
    sentence = f"operands and sums: they are computed in {type_name}"
    narrowed = MechanismKind.NARROWED_OPERANDS
    yield Mechanism(f"computed_in_{type_name}", narrowed, sentence, _computed_in(type_name), 1.4)


MIN_DIGITS = 6
"""Fewest digits of a partial sum that are searched."""


def _by_halves(rounding: Rounding, taps: int, halves: tuple[bool, bool]) -> Adder:
    """Return the sum of the sums of two halves of the channels, of which some are rounded."""

    def add(filters: Array, fields: Array) -> Array:
        half = filters.shape[-1] // taps // 2 * taps
        first, second = filters[..., :half] @ fields[:, :, :half], filters[..., half:] @ fields[:, :, half:]
        total: Array = (rounding(first) if halves[0] else first) + (rounding(second) if halves[1] else second)
        return total

    return add


def _partial(digits: int, mode: Mode) -> Mechanism:
    """Return the mechanism that rounds the sums of halves of the channels to some digits."""
    rounding = to_digits(digits, mode)

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if plan.dtype not in ("float32", "float64"):
            return None
        halves = ((False, True), (True, False), (True, True))
        by_half = [_by_halves(rounding, _taps(plan), which) for which in halves]
        return replace(plan, adders=(*by_half, rounded_once(rounding)))

    verb = "truncated" if mode == "truncated" else "rounded"
    sentence = f"sums: a partial sum is {verb} to {digits - 1} bits of fraction"
    slug = f"partial_sum_{verb}_to_{digits}_digits"
    return Mechanism(slug, MechanismKind.NARROW_ACCUMULATOR, sentence, change, cost=1.6)


@family
def narrow_sums(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the narrow accumulators that predict a failing sample."""
    errors = {sample: relative_error(sample) for sample in witnesses(samples)}
    named: list[Mechanism] = []
    for type_name in (*SUM_TYPES, ""):
        plausible = [
            sample
            for sample, error in errors.items()
            if _is_plausible(type_name or sample.problem.dtype, sample, error)
        ]
        named += that_fit(_of_type(type_name), plausible)
    yield from named
    small = [sample for sample, error in errors.items() if 0 < error < 2.0**-MIN_DIGITS]
    unexplained = [sample for sample in small if not any(that_fit(named, [sample]))]
    modes: tuple[Mode, ...] = ("nearest", "truncated")
    searched = (_partial(digits, mode) for digits in range(MIN_DIGITS, 22) for mode in modes)
    yield from that_fit(searched, unexplained[:MAX_SEARCHED])


def _is_plausible(type_name: str, sample: Sample, error: float) -> bool:
    """Return True if an error divided by S is that of sums in a type: a fifth of a rounding, to one of each product."""
    roundoff = DTYPES[type_name].roundoff
    return 0.2 * roundoff <= error <= (sample.problem.reduction + 3) * roundoff
