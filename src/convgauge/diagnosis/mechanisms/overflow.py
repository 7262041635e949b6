"""Mechanisms of narrow integers: operands and sums that wrap, saturate, or pass through floating point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.adders import by_matrix_product, one_by_one
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.mechanisms.precision import with_changed
from convgauge.diagnosis.plan import Adder, Plan
from convgauge.diagnosis.rounding import Rounding, to_type
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.witnesses import that_fit, witnesses
from convgauge.dtypes import DTYPES, round_to
from convgauge.reference.operands import Array

_SUMS, _OPERANDS = MechanismKind.NARROW_ACCUMULATOR, MechanismKind.NARROWED_OPERANDS
_BITS = (8, 16, 32)


def saturate(bits: int, *, is_signed: bool = True) -> Rounding:
    """Return the clamping to the range of an integer type."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)
    return lambda values: np.clip(values, low, high)


def wrap(bits: int, *, is_signed: bool = True) -> Rounding:
    """Return the reduction modulo 2^bits to the range of an integer type; fractions are kept."""
    shift = 2 ** (bits - 1) if is_signed else 0

    def wrapped(values: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(np.mod(values + shift, 2**bits) - shift).astype(values.dtype)

    return wrapped


def _is_whole(plan: Plan) -> bool:
    """Return True if all operands are finite whole numbers."""
    arrays = (plan.input, plan.weight, plan.bias)
    is_finite = all(array is None or np.isfinite(array).all() for array in arrays)
    return is_finite and plan.input.dtype.kind != "c" and plan.is_whole


def _width(plan: Plan) -> int:
    """Return the bits of an integer dtype; 64 for others."""
    return int(plan.dtype[3:]) if plan.input.dtype.kind == "i" else 64


def _of_output(bits: int, verb: str, change: Rounding, *, is_signed: bool = True) -> Mechanism:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        return plan.finish(change) if _is_whole(plan) else None

    name = f"{'' if is_signed else 'unsigned '}{bits} bits"
    slug = f"output_{verb}_{'' if is_signed else 'unsigned_'}{bits}_bits"
    action = "saturate" if verb == "saturated" else "wrap"
    return Mechanism(slug, _SUMS, f"sums: {action} at {name}", changed)


def _of_partial_sums(bits: int, verb: str, change: Rounding, *, of_products: bool) -> Mechanism:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        if not _is_whole(plan):
            return None
        taps = int(plan.weight.shape[2] * plan.weight.shape[3])
        if of_products:
            return replace(plan, adders=(_products(change), _pairs(change)))
        orders = (one_by_one(change, rounds_products=False), one_by_one(change, rounds_products=False, taps=taps))
        return replace(plan, adders=orders)

    subject = "products" if of_products else "partial sums"
    slug = f"{subject.replace(' ', '_')}_{verb}_{bits}_bits"
    action = "saturate" if verb == "saturated" else "wrap"
    return Mechanism(slug, _SUMS, f"{subject}: {action} at {bits} bits", changed, 1.1)


def _products(change: Rounding) -> Adder:
    """Return the exact sum of changed products."""

    def add(filters: Array, fields: Array) -> Array:
        total = np.zeros((*fields.shape[:2], filters.shape[1], fields.shape[3]), fields.dtype)
        for index in range(filters.shape[-1]):
            total = total + change(filters[None, :, :, index, None] * fields[:, :, None, index])
        return total

    return add


def _pairs(change: Rounding) -> Adder:
    """Return the exact sum of changed sums of two products, as a multiply-add of pairs computes it."""

    def add(filters: Array, fields: Array) -> Array:
        total = np.zeros((*fields.shape[:2], filters.shape[1], fields.shape[3]), fields.dtype)
        for first in range(0, filters.shape[-1], 2):
            pair = slice(first, first + 2)
            total = total + change(filters[..., pair] @ fields[:, :, pair])
        return total

    return add


def _of_operand(operand: str, slug: str, words: str, change: Rounding) -> Mechanism:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        values: Array = getattr(plan, operand)
        if values is None or values.dtype.kind == "c" or not np.array_equal(values, np.rint(values)):
            return None
        return with_changed(plan, (operand,), change)

    return Mechanism(f"{operand}_{slug}", _OPERANDS, f"{operand}: {words}", changed)


def _unsigned(operand: str) -> Mechanism:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        if plan.input.dtype.kind != "i" or getattr(plan, operand) is None or _width(plan) > 32:
            return None
        return with_changed(plan, (operand,), wrap(_width(plan), is_signed=False))

    return Mechanism(f"{operand}_read_as_unsigned", _OPERANDS, f"{operand}: read as unsigned integers", changed)


def _in_float(type_name: str) -> Mechanism:
    """Return the mechanism that computes integers in a floating-point type."""
    rounding = to_type(type_name) if type_name != "float64" else (lambda values: values)

    def changed(plan: Plan, sample: Sample) -> Plan | None:
        if plan.input.dtype.kind != "i":
            return None
        taps = int(plan.weight.shape[2] * plan.weight.shape[3])
        operands = with_changed(plan, ("input", "weight", "bias"), lambda values: rounding(values.astype(np.float64)))
        orders = (
            by_matrix_product(type_name),
            one_by_one(rounding, rounds_products=True),
            one_by_one(rounding, rounds_products=True, taps=taps),
            one_by_one(rounding, rounds_products=False),
        )
        return replace(operands, adders=orders).finish(lambda output: _to_whole(output, type_name, plan.dtype))

    return Mechanism(f"integers_in_{type_name}", _SUMS, f"integers: computed in {type_name}", changed, 1.1)


def _to_whole(values: Array, type_name: str, dtype: str) -> Array:
    """Return sums in a floating-point type as integers of a dtype, as this machine's casts truncate them."""
    with np.errstate(all="ignore"):
        return values.astype(type_name).astype(dtype).astype(np.int64)


def _is_rounded_in_float(type_name: str) -> Mechanism:
    """Return the mechanism that computes integers in floating point in an unknown order."""
    digits = DTYPES[type_name].digits

    def change(plan: Plan, sample: Sample) -> Plan | None:
        return plan if plan.input.dtype.kind == "i" and _width(plan) > digits else None

    def fits(plan: Plan, sample: Sample) -> bool:
        output = sample.observation.output
        if output is None or output.shape != sample.expected.shape:
            return False
        wide, right = output.astype(np.float64), sample.expected.astype(np.float64)
        allowed = (plan.reduction + 3) * 2.0**-digits * np.abs(plan.magnitude())
        is_rounded = np.array_equal(round_to(wide, type_name).astype(np.float64), wide)
        was_not = 2 * np.count_nonzero(round_to(right, type_name) != right) >= right.size
        return bool(is_rounded and was_not and (np.abs(wide - right) <= allowed).all())

    sentence = f"integers: computed in {type_name}"
    never = lambda plan, sample: False  # noqa: E731 a prediction without an order excludes no passing sample
    return Mechanism(f"integers_rounded_to_{type_name}", _SUMS, sentence, change, 1.3, fits, never)


def _all() -> Iterator[Mechanism]:
    for bits in _BITS:
        for is_signed in (True, False):
            yield _of_output(bits, "saturated", saturate(bits, is_signed=is_signed), is_signed=is_signed)
            yield _of_output(bits, "wrapped", wrap(bits, is_signed=is_signed), is_signed=is_signed)
        for of_products in (True, False):
            yield _of_partial_sums(bits, "saturated", saturate(bits), of_products=of_products)
        yield _of_partial_sums(bits, "wrapped", wrap(bits), of_products=True)
        for operand in ("input", "weight", "bias"):
            yield _of_operand(operand, f"wrapped_to_{bits}_bits", f"read as integers of {bits} bits", wrap(bits))
            words = f"clamped to the range of {bits} bits"
            yield _of_operand(operand, f"saturated_to_{bits}_bits", words, saturate(bits))
    yield from (_unsigned(operand) for operand in ("input", "weight", "bias"))
    yield from (_in_float(name) for name in ("float32", "float64"))
    yield _is_rounded_in_float("float32")


def _in_own_bits() -> Mechanism:
    """Return the mechanism that saturates the sums at the range of the operands' integer dtype."""

    def changed(plan: Plan, sample: Sample) -> Plan | None:
        if plan.input.dtype.kind != "i" or _width(plan) > 32:
            return None
        return plan.finish(saturate(_width(plan)))

    return Mechanism(
        "integers_saturate", _SUMS, "sums: saturate at the dtype's range instead of wrapping", changed, 0.9
    )


def _are_bytes(*arrays: Array | None) -> bool:
    """Return True if all elements are whole numbers that a signed byte holds."""
    given = [array for array in arrays if array is not None]
    return all(np.array_equal(array, np.rint(array)) and np.abs(array).max(initial=0) <= 127 for array in given)


def _saturated_bytes(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan whose sums saturate at 16 bits if the operands are bytes."""
    is_applied = plan.input.dtype.kind == "f" and _are_bytes(plan.input, plan.weight, plan.bias)
    return plan.finish(saturate(16)) if is_applied else None


def _wrapped_bytes(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan that reads an input of unsigned bytes as signed ones."""
    values = plan.input
    if values.dtype.kind != "f" or not np.array_equal(values, np.rint(values)):
        return None
    is_applied = values.min(initial=0) >= 0 and 127 < values.max(initial=0) < 256
    return with_changed(plan, ("input",), wrap(8)) if is_applied else None


def _of_bytes() -> Iterator[Mechanism]:
    sentence = "sums: saturate at 16 bits if all operands are whole numbers of a signed byte"
    yield Mechanism("sums_of_bytes_saturate", _SUMS, sentence, _saturated_bytes, 1.1)
    sentence = "input: whole numbers from 0 to 255 are read as signed bytes"
    yield Mechanism("input_of_bytes_wraps", _OPERANDS, sentence, _wrapped_bytes, 1.1)


@family
def integers(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the narrow integers that predict a failing sample."""
    failing = [sample for sample in witnesses(samples) if sample.plan.input.dtype.kind != "c"]
    yield from that_fit([_in_own_bits(), *_all(), *_of_bytes()], failing)
