"""Comparisons of an output with the expected one; each names the first wrong element."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from convgauge.reference.operands import Array
from convgauge.terms import FaultKind

FaultStatus = Literal["failed", "errored", "crashed", "timed_out", "vacuous", "answered_invalid"]


@dataclass(frozen=True)
class Fault:
    """Reason why one case fails: the status of the case, a sentence, and the first wrong output if there is one.

    Attributes
    ----------
    status : FaultStatus
        Status of the case.
    message : str
        One sentence.
    index : tuple of int
        Index of the first wrong output.
    got, expected, bound : str
        Value at ``index``, the expected value, and the largest difference allowed.
    wrong, outputs : int
        Number of wrong outputs, and number of outputs.
    mask : numpy.ndarray or None
        Boolean array of the wrong outputs, or None if the fault concerns no single output.
    not_called : bool
        The call was not made, because the subject's process had ended too often.
    kind : FaultKind
        Kind of what is wrong.
    """

    status: FaultStatus
    message: str
    index: tuple[int, ...] = ()
    got: str = ""
    expected: str = ""
    bound: str = ""
    wrong: int = 0
    outputs: int = 0
    mask: Array | None = field(default=None, repr=False, compare=False)
    not_called: bool = False
    kind: FaultKind = ""


def check_form(output_shape: tuple[int, ...], output_dtype: str, shape: tuple[int, ...], dtype: str) -> Fault | None:
    """Return a fault if the shape or the dtype of an output differs from the expected one."""
    if output_shape != shape:
        return Fault(
            "failed", f"the output's shape is {output_shape}, not {shape}", got=str(output_shape), expected=str(shape),
            kind="shape",
        )  # fmt: skip
    if output_dtype != dtype:
        message = f"the output's dtype is {output_dtype}, not {dtype}"
        return Fault("failed", message, got=output_dtype, expected=dtype, kind="dtype")
    return None


def check_output(
    output: Array | None, output_dtype: str, expected: Array, dtype: str, tolerance: float | Array
) -> Fault | None:
    """Return a fault if an output differs from the expected one in shape, dtype or value.

    Parameters
    ----------
    output : numpy.ndarray or None
        Output in its carrier dtype, or None if there is none.
    output_dtype : str
        Name of the output's dtype.
    expected : numpy.ndarray
        Expected output.
    dtype : str
        Name of the expected dtype.
    tolerance : float or numpy.ndarray
        Largest difference allowed, for all outputs or for each.
    """
    shape = () if output is None else output.shape
    return check_form(shape, output_dtype, expected.shape, dtype) or check_values(output, expected, tolerance)


def check_values(output: Array | None, expected: Array, tolerance: float | Array, what: str = "") -> Fault | None:
    """Return a fault if any element differs by more than the tolerance.

    NaN equals only NaN, an infinity only itself; zeros of either sign are equal. Nothing is broadcast.

    Parameters
    ----------
    output : numpy.ndarray or None
        Output, or None if there is none.
    expected : numpy.ndarray
        Expected output.
    tolerance : float or numpy.ndarray
        Largest difference allowed, for all elements or for each.
    what : str
        Message of the fault; by default the number of wrong outputs.
    """
    if output is None:
        return Fault("failed", "there is no output", expected=f"an array of shape {expected.shape}", kind="type")
    if output.shape != expected.shape:
        return check_form(output.shape, "", expected.shape, "")
    with np.errstate(invalid="ignore"):
        if output.dtype.kind == "c" or expected.dtype.kind == "c":
            agree = np.abs(output - expected) <= tolerance
        else:
            agree = np.abs(output.astype(expected.dtype, copy=False) - expected) <= tolerance
    if agree.all():
        return None
    agree |= (output == expected) | (np.isnan(output) & np.isnan(expected))
    if agree.all():
        return None
    return locate_fault(output, expected, ~agree, tolerance, what)


def locate_fault(output: Array, expected: Array, mask: Array, tolerance: float | Array, what: str = "") -> Fault:
    """Return the fault of the outputs in a mask: the first index, the values there and the number of wrong outputs.

    Parameters
    ----------
    output, expected : numpy.ndarray
        Output and expected output, of equal shape.
    mask : numpy.ndarray
        Boolean array of the wrong outputs; at least one is True.
    tolerance : float or numpy.ndarray
        Largest difference allowed.
    what : str
        Message of the fault; by default the number of wrong outputs.
    """
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    allowed = float(np.broadcast_to(tolerance, mask.shape)[index])
    wrong = int(mask.sum())
    message = what or f"{wrong} of {mask.size} outputs are wrong"
    return Fault(
        "failed", message, index, _text(output[index]), _text(expected[index]), f"{allowed:.6g}", wrong, mask.size,
        mask, kind="values",
    )  # fmt: skip


def _text(value: np.generic) -> str:
    return str(value.item()) if value.dtype.kind in "ic" else f"{float(value):.9g}"


def is_informative(expected: Array) -> bool:
    """Return True if an expected output differs from a blank one: neither nearly all zero nor constant.

    At least one eighth of the outputs must differ from 0, since outputs that depend only on padding are 0 without a
    bias. An output of fewer than four elements counts as informative.
    """
    if expected.size < 4:
        return True
    first = expected.flat[0]
    return bool(np.count_nonzero(expected) * 8 >= expected.size and (expected != first).any())
