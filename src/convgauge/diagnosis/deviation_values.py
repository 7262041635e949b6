"""Values of wrong outputs: the statement about how they differ that holds for every failing sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from convgauge.diagnosis.wrong_outputs import WrongOutputs
from convgauge.reference.operands import Array

SIGNIFICANT = 1e-3
"""Relative difference up to which two offsets, or two factors, count as the same: roundings of half precision."""

FAR = 1e3
"""Ratio of an output to the largest right one above which it is garbage."""

SMALL = 0.02
"""Largest error, relative to the largest right output, that may be a loss of precision."""

MIN_REORDERED = 4
"""Wrong outputs of a call above which it is no accident that they are the right values in another order."""

Wrong = Sequence[WrongOutputs]


def value_words(wrong: Wrong) -> str:
    """Return the predicate of a sentence about all wrong outputs: "are 0", "are off by a factor of 2"."""
    with np.errstate(all="ignore"):
        statements = (_not_finite, _zero, _related, _offset, _factor, _offset_along, _moved, _garbage, _imprecise)
        return next((words for statement in statements if (words := statement(wrong))), "are wrong")


def _not_finite(wrong: Wrong) -> str:
    if all(np.isnan(each.got).all() and not np.isnan(each.right).any() for each in wrong):
        return "are NaN"
    if all(np.isinf(each.got).all() and np.isfinite(each.right).all() for each in wrong):
        return "are infinite"
    if all(np.isfinite(each.got).all() and np.isnan(each.right).all() for each in wrong):
        return "are finite instead of NaN"
    if all(np.isfinite(each.got).all() and np.isinf(each.right).all() for each in wrong):
        return "are finite instead of infinite"
    if all(np.isfinite(each.got).all() and not np.isfinite(each.right).any() for each in wrong):
        return "are finite instead of NaN or infinite"
    return ""


def _zero(wrong: Wrong) -> str:
    return "are 0" if all((each.got == 0).all() for each in wrong) else ""


def _related(wrong: Wrong) -> str:
    """Return words if the outputs are the negative, the conjugate or a part of the right ones."""
    relations: dict[str, Callable[[Array], Array]] = {
        "have the wrong sign": lambda right: -right,
        "are the complex conjugate": np.conj,
        "have no imaginary part": np.real,
        "have no real part": lambda right: 1j * np.imag(right),
    }
    is_complex = all(each.right.dtype.kind == "c" for each in wrong)
    for words, change in relations.items():
        if (is_complex or words == "have the wrong sign") and all(
            _equal(each, each.got, change(each.right)) for each in wrong
        ):
            return words
    return ""


def _equal(each: WrongOutputs, first: Array, second: Array) -> bool:
    return bool((np.abs(first - second) <= each.tolerance).all())


def _offset(wrong: Wrong) -> str:
    """Return words if the difference is the same everywhere, or in each call."""
    differences = [_difference(each)[each.mask] for each in wrong]
    constants = [_constant(values) for values in differences]
    if any(constant is None for constant in constants) or sum(map(len, differences)) < 2:
        return ""
    shared = _constant(np.array(constants))
    if shared is not None:
        return f"are off by {shared:.6g}"
    return "are off by a constant of each call" if _mostly_several(differences) else ""


def _difference(each: WrongOutputs) -> Array:
    return np.subtract(each.output, each.expected, dtype=np.result_type(each.expected, np.float64))


def _mostly_several(values: Sequence[Array]) -> bool:
    """Return True if more than half of the samples have several wrong outputs: one alone is always constant."""
    return 2 * sum(len(each) > 1 for each in values) > len(values)


def _factor(wrong: Wrong) -> str:
    """Return words if the ratio to the right outputs is the same everywhere, or in each call."""
    if any((each.got[each.right == 0] != 0).any() for each in wrong):
        return ""
    ratios = [each.got[nonzero] / each.right[nonzero] for each in wrong if (nonzero := each.right != 0).any()]
    excesses = [_constant(ratio - 1) for ratio in ratios]
    if sum(map(len, ratios)) < 2 or any(excess is None for excess in excesses):
        return ""
    shared = _constant(np.array(excesses))
    if shared is not None:
        return f"are off by a factor of {1 + shared:.6g}"
    return "are off by a constant factor of each call" if _mostly_several(ratios) else ""


def _constant(values: Array) -> complex | float | None:
    """Return the value that all values equal, as far as they are precise; None if they differ."""
    middle = values[0]
    size = abs(middle)
    if not np.isfinite(values).all() or not size or (np.abs(values - middle) > SIGNIFICANT * size).any():
        return None
    return complex(middle) if np.iscomplexobj(values) and abs(middle.imag) > SIGNIFICANT * size else float(middle.real)


def _offset_along(wrong: Wrong) -> str:
    """Return words if the difference is constant at each index of one axis: that of a bias, for one."""
    for axis, name in enumerate(("image", "channel", "row", "column")):
        if _all_hold(wrong, partial(_is_constant_along, axis=axis)):
            return f"are off by a constant of each {name}"
    return ""


def _is_constant_along(each: WrongOutputs, axis: int) -> bool | None:
    """Return True if the difference is constant at each index of an axis; None if it has a single index or output."""
    difference, mask = np.moveaxis(_difference(each), axis, 0), np.moveaxis(each.mask, axis, 0)
    if len(mask) < 2 or mask[0].size < 3 or not mask.any():
        return None
    return all(
        part.all() and _constant(values[part]) is not None
        for values, part in zip(difference, mask, strict=True)
        if part.any()
    )


_NEIGHBOURS: dict[str, dict[int, int]] = {
    **{
        f"are those of the {word} {name}": {axis: step}
        for axis, name in ((1, "channel"), (2, "row"), (3, "column"))
        for word, step in (("next", 1), ("previous", -1))
    },
    **{
        f"are those of the {word} row and the {other} column": {2: step, 3: steps}
        for word, step in (("next", 1), ("previous", -1))
        for other, steps in (("next", 1), ("previous", -1))
    },
}
"""Steps along axes to the outputs that are returned instead, by their words."""


def _moved(wrong: Wrong) -> str:
    """Return words if the outputs are the right ones of other places."""
    for words, steps in _NEIGHBOURS.items():
        if _all_hold(wrong, partial(_is_shifted, steps=steps)):
            return words
    if _all_hold(wrong, _is_swapped):
        return "have rows and columns swapped"
    if all(map(_is_reordered, wrong)):
        return "are the right values in another order"
    return ""


def _all_hold(wrong: Wrong, test: Callable[[WrongOutputs], bool | None]) -> bool:
    """Return True if a test holds wherever it applies, and applies to at least half of the samples."""
    results = [test(each) for each in wrong]
    applied = [result for result in results if result is not None]
    return bool(applied) and all(applied) and 2 * len(applied) >= len(results)


def _is_shifted(each: WrongOutputs, steps: dict[int, int]) -> bool | None:
    """Return True if the wrong outputs equal the right ones some steps away; None if these lie outside."""
    target = [slice(None)] * 4
    source = [slice(None)] * 4
    for axis, step in steps.items():
        target[axis] = slice(max(0, -step), min(0, -step) or None)
        source[axis] = slice(max(0, step), min(0, step) or None)
    mask = each.mask[tuple(target)]
    if not mask.any():
        return None
    return _equal(each, each.output[tuple(target)][mask], each.expected[tuple(source)][mask])


def _is_swapped(each: WrongOutputs) -> bool | None:
    if each.output.shape[2] != each.output.shape[3] or each.output.shape[2] < 2:
        return None
    return _equal(each, each.got, each.expected.swapaxes(2, 3)[each.mask])


def _is_reordered(each: WrongOutputs) -> bool:
    if each.output.dtype.kind == "c" or each.mask.sum() < MIN_REORDERED:
        return False
    return _equal(each, np.sort(each.output, axis=None), np.sort(each.expected, axis=None))


def _garbage(wrong: Wrong) -> str:
    def is_far(each: WrongOutputs) -> bool:
        size = np.abs(each.expected[np.isfinite(each.expected)]).max(initial=0)
        got = np.abs(each.got)
        return bool((~(got <= FAR * max(float(size), 1e-30))).all())

    return "are far beyond all right values" if all(map(is_far, wrong)) else ""


def _imprecise(wrong: Wrong) -> str:
    """Return words if the error is small beside the largest right output."""
    errors = [_relative_error(each) for each in wrong]
    largest = max(errors)
    return f"are imprecise: errors up to {largest:.1g} of the largest output" if largest <= SMALL else ""


def _relative_error(each: WrongOutputs) -> float:
    size = np.abs(each.expected[np.isfinite(each.expected)]).max(initial=0)
    error = np.abs(np.subtract(each.got, each.right, dtype=np.result_type(each.right, np.float64))).max(initial=0)
    return float(error / size) if size and np.isfinite(error) else np.inf
