"""Element types that operands may have, and rounding to each of them.

NumPy has no bfloat16, so operands travel in a *carrier*: a NumPy array of a type that holds every value of the
element type exactly (float32 for bfloat16, the type itself otherwise). Converting a carrier never rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Array = np.ndarray[Any, Any]
    """Array of NumPy, of any shape and dtype."""
else:
    Array = np.ndarray  # the NumPy beside a kernel may be older than 1.22, which has no subscripts


@dataclass(frozen=True)
class DType:
    """Element type.

    ``kind`` is "f", "i" or "c", as in NumPy. ``digits`` is the number of significant binary digits (the precision p
    of IEEE 754), so the unit roundoff of rounding to nearest is u = 2**-digits. ``tiny`` is the smallest positive
    normal number, ``step`` the smallest positive subnormal one, ``largest`` the largest finite one. ``accumulator``
    names the type in which a correct implementation adds up products: float32 for the two 16-bit floats, the type
    itself otherwise.
    """

    name: str
    kind: str
    carrier: str
    digits: int
    tiny: float
    step: float
    largest: float
    accumulator: str

    @property
    def roundoff(self) -> float:
        """Unit roundoff u = 2**-digits, or 0 for integers."""
        return 2.0**-self.digits if self.kind in "fc" else 0.0


def _float(name: str, carrier: str, digits: int, exponent: int, accumulator: str) -> DType:
    """Return a binary float of IEEE form with ``digits`` significant bits and least normal exponent 2 - exponent."""
    tiny = 2.0 ** (2 - exponent)
    largest = (2.0 - 2.0 ** (1 - digits)) * 2.0 ** (exponent - 1)
    return DType(name, "f", carrier, digits, tiny, tiny * 2.0 ** (1 - digits), largest, accumulator)


def _integer(name: str) -> DType:
    info = np.iinfo(name)
    return DType(name, "i", name, info.bits - 1, 1.0, 1.0, float(info.max), name)


def _complex(name: str, part: DType) -> DType:
    return DType(name, "c", name, part.digits, part.tiny, part.step, part.largest, name)


_FLOATS = (
    _float("float64", "float64", 53, 1024, "float64"),
    _float("float32", "float32", 24, 128, "float32"),
    _float("float16", "float16", 11, 16, "float32"),
    _float("bfloat16", "float32", 8, 128, "float32"),
)

DTYPES: dict[str, DType] = {
    dtype.name: dtype
    for dtype in (
        *_FLOATS,
        *map(_integer, ("int8", "int16", "int32", "int64")),
        _complex("complex64", _FLOATS[1]),
        _complex("complex128", _FLOATS[0]),
    )
}

FLOATS = tuple(dtype.name for dtype in _FLOATS)


def round_to(values: ArrayLike, dtype: str) -> Array:
    """Round values to nearest even in an element type.

    Parameters
    ----------
    values
        Real array of any shape.
    dtype
        Name of the element type.

    Returns
    -------
    Array
        The rounded values in the carrier of ``dtype``, of the same shape. Values too large are infinite.

    Source: IEEE 754, section 4.3.1.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype != "bfloat16":
            return np.asarray(values).astype(DTYPES[dtype].carrier)
        single = np.ascontiguousarray(values, dtype=np.float32).reshape(np.shape(values))
        bits = single.view(np.uint32)
        bias = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
        rounded = ((bits + bias) & np.uint32(0xFFFF0000)).view(np.float32)
        return np.where(np.isfinite(single), rounded, single)
