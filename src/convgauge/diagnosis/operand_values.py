"""Values of operands by kind: NaN, infinity, zeros alone, one value alone, a sum of zero, one sign."""

from __future__ import annotations

import numpy as np

from convgauge.reference.operands import Array
from convgauge.worker.call import OPERANDS, Call


def operand_values(call: Call) -> dict[str, str]:
    """Return the kind of values of each operand of a call, by the name of its field: ``{"input_values": "nan"}``."""
    return {f"{name}_values": _kind(getattr(call, name)) for name in OPERANDS}


def _kind(array: Array | None) -> str:
    if array is None or not array.size or array.dtype.kind not in "fciu":
        return "usual"
    if np.isnan(array).any():
        return "nan"
    if np.isinf(array).any():
        return "infinity"
    if not array.any():
        return "zeros"
    return _kind_of_finite(array) if array.size > 1 else "usual"


def _kind_of_finite(array: Array) -> str:
    """Return the kind of several finite values, not all of them zero."""
    if (array == array.flat[0]).all():
        return "constant"
    if np.count_nonzero(array) == 1:
        return "single"
    if array.sum(dtype=np.result_type(array, np.int64 if array.dtype.kind in "iu" else np.float64)) == 0:
        return "balanced"
    if array.dtype.kind != "c" and (array >= 0).all():
        return "not_negative"
    return "not_positive" if array.dtype.kind != "c" and (array <= 0).all() else "usual"
