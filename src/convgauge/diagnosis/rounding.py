"""Rounding to narrower types, as faulty kernels do it: to nearest, away from zero or by truncation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from convgauge.dtypes import DTYPES, round_to
from convgauge.reference.operands import Array

Rounding = Callable[[Array], Array]
"""Function that rounds values in float64, complex128 or int64, and returns them in that type."""

Mode = Literal["nearest", "away", "truncated"]
"""Direction: to nearest and even, to nearest and away from zero, or toward zero."""

NARROW_TYPES = {"float32": 24, "tf32": 11, "float16": 11, "bfloat16": 8}
"""Types that operands and sums are narrowed to, and their significant binary digits."""

TYPE_NAMES = {"tf32": "TF32"}
"""Names in sentences of types that are no dtypes."""


def by_parts(round_real: Rounding) -> Rounding:
    """Return a rounding that rounds real and imaginary parts in the same way."""

    def rounded(values: Array) -> Array:
        if values.dtype.kind != "c":
            return round_real(values)
        return np.asarray(round_real(values.real) + 1j * round_real(values.imag))

    return rounded


def to_digits(digits: int, mode: Mode = "nearest", dtype: str = "float32") -> Rounding:
    """Return the rounding to a number of significant binary digits, with the exponents of a dtype.

    Subnormal numbers lose the same last digits of their significand as normal ones.
    """
    tiny, largest = DTYPES[dtype].tiny, DTYPES[dtype].largest

    def round_real(values: Array) -> Array:
        with np.errstate(all="ignore"):
            if mode == "nearest" and np.abs(values).max(initial=0.0) < largest:
                return _by_large_number(values, digits, tiny)
            _, exponents = np.frexp(values)
            exponents = np.maximum(exponents, round(np.log2(tiny)) + 1) - digits
            return np.asarray(np.ldexp(_round_whole(np.ldexp(values, -exponents), mode), exponents))

    return by_parts(round_real)


def _round_whole(values: Array, mode: Mode) -> Array:
    if mode == "truncated":
        return np.asarray(np.trunc(values))
    if mode == "away":
        return np.asarray(np.copysign(np.floor(np.abs(values) + 0.5), values))
    return np.asarray(np.rint(values))


_EXPONENT_BITS = np.uint64(0x7FF0_0000_0000_0000)


def _by_large_number(values: Array, digits: int, tiny: float) -> Array:
    """Round float64 to nearest and even by adding and subtracting a large number, in a fifth of the time of others.

    The sum of a number in [p, 2 p) and 1.5 p 2^(53 - digits) keeps as many digits of the number. Below the smallest
    normal number, p is that number.
    """
    wide = np.ascontiguousarray(values, dtype=np.float64)
    powers = np.maximum((wide.view(np.uint64) & _EXPONENT_BITS).view(np.float64), tiny)
    large = powers * (1.5 * 2.0 ** (53 - digits))
    return np.asarray(((wide + large) - large).reshape(np.shape(values)))


def to_type(name: str) -> Rounding:
    """Return the rounding to nearest in a type of `NARROW_TYPES`; too large values become infinite."""
    if name == "tf32":
        return to_digits(NARROW_TYPES[name])
    largest, digits, tiny = DTYPES[name].largest, DTYPES[name].digits, DTYPES[name].tiny

    def round_real(values: Array) -> Array:
        if np.abs(values).max(initial=0.0) <= largest:
            return _by_large_number(values, digits, tiny)
        return round_to(values, name).astype(np.float64)

    return by_parts(round_real)


def narrower_types(dtype: str) -> list[str]:
    """Return the names of the types that hold fewer digits or a smaller range than a floating-point dtype."""
    wider = {"float64": (), "complex128": (), "float16": ("float32", "tf32", "float16")}
    excluded = wider.get(dtype, ("float32",))
    return [] if dtype in ("bfloat16",) or DTYPES[dtype].kind == "i" else [n for n in NARROW_TYPES if n not in excluded]


def name_of(type_name: str) -> str:
    """Return the name of a narrower type in a sentence."""
    return TYPE_NAMES.get(type_name, type_name)


def are_representable(values: Array, type_name: str) -> Array:
    """Return which values are numbers of a type; NaN and infinities are."""
    wide = np.asarray(values).astype(np.complex128 if values.dtype.kind == "c" else np.float64)
    return np.asarray((to_type(type_name)(wide) == wide) | ~np.isfinite(wide))
