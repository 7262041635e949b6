"""Mechanisms that lose or add a sign, a conjugation or an imaginary part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.mechanisms.precision import with_changed
from convgauge.diagnosis.plan import Adder, Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.witnesses import that_fit, witnesses
from convgauge.reference.operands import Array

_REAL: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "negated": ("negated", np.negative),
    "absolute": ("its absolute value is taken", np.abs),
}
_COMPLEX: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "conjugated": ("conjugated", np.conj),
    "imaginary_part_dropped": ("its imaginary part is dropped", lambda x: x.real + 0j),
    "real_part_dropped": ("its real part is dropped", lambda x: 1j * x.imag),
    "parts_swapped": ("its real and imaginary parts are swapped", lambda x: x.imag + 1j * x.real),
    "imaginary_part_as_real": ("its imaginary part is read as the real one", lambda x: x.imag + 0j),
}
_OPERANDS = ("input", "weight", "bias")
_KIND = MechanismKind.SIGN_LOST


def _of_operand(operand: str, slug: str, words: str, change: Callable[[Array], Array], kinds: str) -> Mechanism:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        return with_changed(plan, (operand,), change) if plan.input.dtype.kind in kinds else None

    return Mechanism(f"{operand}_{slug}", _KIND, f"{operand}: {words}", changed)


def _of_output(slug: str, words: str, change: Callable[[Array], Array], kinds: str) -> Mechanism:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        return plan.finish(change) if plan.input.dtype.kind in kinds else None

    return Mechanism(f"output_{slug}", _KIND, f"output: {words}", changed)


def _of_sums(slug: str, words: str, change: Callable[[Array], Array], kinds: str) -> Mechanism:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        if plan.input.dtype.kind not in kinds or plan.bias is None:
            return None
        return replace(plan, sum_finishes=(*plan.sum_finishes, change))

    return Mechanism(f"sums_{slug}", _KIND, f"sums: {words}, before the bias is added", changed, 1.1)


def by_parts(real: Sequence[tuple[str, str, int]], imaginary: Sequence[tuple[str, str, int]]) -> Adder:
    """Return a sum of complex products from signed products of real parts "r" and imaginary parts "i"."""

    def add(filters: Array, fields: Array) -> Array:
        weights, inputs = ({"r": array.real, "i": array.imag} for array in (filters, fields))

        def total(terms: Sequence[tuple[str, str, int]]) -> Array:
            return np.asarray(sum(sign * (weights[w] @ inputs[x]) for w, x, sign in terms))

        return np.asarray(total(real) + 1j * total(imaginary))

    return add


_RIGHT_REAL, _RIGHT_IMAGINARY = (("r", "r", 1), ("i", "i", -1)), (("r", "i", 1), ("i", "r", 1))
_PRODUCTS = {
    "product_of_imaginary_parts_added": (
        "the product of the imaginary parts is added instead of subtracted",
        by_parts((("r", "r", 1), ("i", "i", 1)), _RIGHT_IMAGINARY),
    ),
    "product_of_imaginary_parts_missing": (
        "the product of the imaginary parts is missing",
        by_parts((("r", "r", 1),), _RIGHT_IMAGINARY),
    ),
    "mixed_products_subtracted": (
        "one product of a real and an imaginary part is subtracted",
        by_parts(_RIGHT_REAL, (("r", "i", 1), ("i", "r", -1))),
    ),
    "mixed_products_subtracted_input": (
        "the product of the weight's real part and the input's imaginary part is subtracted",
        by_parts(_RIGHT_REAL, (("r", "i", -1), ("i", "r", 1))),
    ),
    "mixed_product_missing": (
        "the product of the weight's imaginary part and the input's real part is missing",
        by_parts(_RIGHT_REAL, (("r", "i", 1),)),
    ),
    "parts_separate": (
        "real parts are multiplied with real ones and imaginary parts with imaginary ones",
        by_parts((("r", "r", 1),), (("i", "i", 1),)),
    ),
}


def _complex_product(slug: str, words: str, adder: Adder) -> Mechanism:
    def changed(plan: Plan, sample: Sample) -> Plan | None:
        return replace(plan, adders=(adder,)) if plan.input.dtype.kind == "c" else None

    return Mechanism(f"complex_{slug}", _KIND, f"complex products: {words}", changed, 1.1)


def _last_sign_lost(plan: Plan, sample: Sample) -> Plan:
    """Return the plan whose kernel has no signs in its last column."""
    weight = plan.weight.copy()
    weight[..., -1] = np.abs(weight[..., -1])
    return replace(plan, weight=weight)


def _all() -> Iterator[Mechanism]:
    for kinds, changes in (("fic", _REAL), ("c", _COMPLEX)):
        for slug, (words, change) in changes.items():
            yield from (_of_operand(operand, slug, words, change, kinds) for operand in _OPERANDS)
            yield _of_output(slug, words, change, kinds)
            yield _of_sums(slug, words, change, kinds)
    yield from (_complex_product(slug, words, adder) for slug, (words, adder) in _PRODUCTS.items())
    yield Mechanism(
        "weight_last_column_absolute", _KIND, "weight: the signs of its last column are lost", _last_sign_lost
    )


@family
def signs(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the losses of signs and parts that predict a failing sample."""
    yield from that_fit(_all(), witnesses(samples))
