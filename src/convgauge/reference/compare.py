"""Is this answer the right one? The comparisons, each of which names the first output that is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convgauge.problem import Problem
from convgauge.reference.operands import Array
from convgauge.worker.call import Observation


@dataclass
class Fault:
    """Why one case fails: ``status`` of the case, a sentence, and the first wrong output where there is one."""

    status: str
    message: str
    index: tuple[int, ...] = ()
    got: str = ""
    expected: str = ""
    bound: str = ""
    wrong: int = 0
    outputs: int = 0
    mask: Array | None = field(default=None, repr=False)
    not_called: bool = False


def check_form(output_shape: tuple[int, ...], output_dtype: str, shape: tuple[int, ...], dtype: str) -> Fault | None:
    """A fault where the answer has not the right shape or dtype."""
    if output_shape != shape:
        return Fault(
            "failed", f"the output's shape is {output_shape}, not {shape}", got=str(output_shape), expected=str(shape)
        )
    if output_dtype != dtype:
        return Fault("failed", f"the output's dtype is {output_dtype}, not {dtype}", got=output_dtype, expected=dtype)
    return None


def check_values(output: Array | None, expected: Array, tolerance: Any, what: str = "") -> Fault | None:
    """A fault where any element differs by more than ``tolerance`` (a number, or one for each).

    NaN agrees with NaN alone, an infinity with itself alone; zeros of either sign are equal. Shapes must be the same:
    nothing is broadcast.
    """
    if output is None:
        return Fault("failed", "there is no output", expected=f"an array of shape {expected.shape}")
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


def locate_fault(output: Array, expected: Array, mask: Array, tolerance: Any, what: str = "") -> Fault:
    """The fault that ``mask`` shows: first wrong index, what was got and expected there, how many are wrong."""
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    allowed = float(np.broadcast_to(tolerance, mask.shape)[index])
    wrong = int(mask.sum())
    message = what or f"{wrong} of {mask.size} outputs are wrong"
    return Fault(
        "failed", message, index, _text(output[index]), _text(expected[index]), f"{allowed:.6g}", wrong, mask.size, mask
    )


def _text(value: Any) -> str:
    return str(value.item()) if value.dtype.kind in "ic" else f"{float(value):.9g}"


def is_informative(expected: Array) -> bool:
    """Whether an expected answer could tell a right output from a blank one: not nearly all zero, nor one value.

    An eighth must differ from 0: outputs that see nothing but padding are 0 where there is no bias. An answer of
    fewer than four elements is taken as it is; the cases around it tell.
    """
    if expected.size < 4:
        return True
    first = expected.flat[0]
    return bool(np.count_nonzero(expected) * 8 >= expected.size and (expected != first).any())


def outcome(seen: Observation, problem: Problem) -> Fault | None:
    """A fault where a valid call gave no answer at all; declining is not a fault and is dealt with before."""
    if seen.kind == "raised":
        return Fault("errored", f"raised {seen.error[0]}: {seen.message}", got=seen.error[0], expected="an answer")
    if seen.kind in ("crashed", "timed_out", "not_called"):
        status = "timed_out" if seen.kind == "timed_out" else "crashed"
        message = f"the implementation's process {seen.message}"
        not_called = seen.kind == "not_called"
        return Fault(status, message, got=seen.message, expected="an answer", not_called=not_called)
    if seen.kind == "not_an_array":
        return Fault("failed", f"the call {seen.message}")
    if seen.kind == "unreadable":
        return Fault("failed", f"its output cannot be read: {seen.message}")
    return None
