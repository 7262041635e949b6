"""Values of operands by kind: NaN, infinity, zeros alone, one value alone."""

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
    return "constant" if array.size > 1 and (array == array.flat[0]).all() else "usual"
