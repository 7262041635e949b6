"""Places of wrong outputs: the statement about where they lie that holds for every failing sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convgauge.diagnosis.wrong_outputs import WrongOutputs

AXES = ("image", "channel", "row", "column")

FEW = 0.1
"""Share of the outputs up to which they are few, and up to which the right ones are."""

MAX_STEP = 64
"""Largest k for which "every k-th" is considered."""

Wrong = Sequence[WrongOutputs]


def place_words(wrong: Wrong) -> str:
    """Return the subject of a sentence about all wrong outputs: "the outputs of the last column"."""
    if all(each.mask.all() for each in wrong):
        return "all outputs"
    statements = (_end, _corners, _along_axes, _border, _padding, _single, _few)
    return next((words for statement in statements if (words := statement(wrong))), "some outputs")


def _end(wrong: Wrong) -> str:
    """Return words if only the first, or only the last output of each call is wrong."""
    for index, words in ((0, "the first outputs"), (-1, "the last outputs")):
        if all(each.mask.sum() == 1 and each.mask.flat[index] for each in wrong):
            return words
    return ""


def _corners(wrong: Wrong) -> str:
    """Return words if only corners are wrong, and more than one of the four somewhere."""
    if not all(_is_within(each, (0, -1), (0, -1)) and min(each.mask.shape[2:]) > 1 for each in wrong):
        return ""
    several = any(len(each.indices(2)) > 1 and len(each.indices(3)) > 1 for each in wrong)
    return "the outputs in the corners" if several and _shows_more(wrong, 2, 3) else ""


def _is_within(each: WrongOutputs, rows: Sequence[int], columns: Sequence[int]) -> bool:
    height, width = each.mask.shape[2:]
    inside = np.zeros((height, width), np.bool_)
    inside[np.ix_(np.array(rows) % height, np.array(columns) % width)] = True
    return not (each.mask & ~inside).any()


def _shows_more(wrong: Wrong, *axes: int) -> bool:
    """Return True if some sample has more than two rows and columns: else every output is at the border."""
    return any(all(each.mask.shape[axis] > 2 for axis in axes) for each in wrong)


def _along_axes(wrong: Wrong) -> str:
    """Return words for the axes along which only some indices are wrong: "the outputs of the last column"."""
    parts = [words for axis in (0, 1, 2, 3) if (words := _along(wrong, axis))]
    return f"the outputs of {' and '.join(parts)}" if 0 < len(parts) <= 3 else ""


def _along(wrong: Wrong, axis: int) -> str:
    name = AXES[axis]
    pairs = [(each.indices(axis), each.mask.shape[axis]) for each in wrong]
    if sum(len(indices) < count for indices, count in pairs) < max(1, len(pairs) // 2):
        return ""
    return next((words for rule in (_first, _last, _from, _tail, _steps) if (words := rule(pairs, name))), "")


Pairs = list[tuple["np.ndarray[tuple[int], np.dtype[np.intp]]", int]]


def _first(pairs: Pairs, name: str) -> str:
    return f"the first {name}" if all(len(i) == 1 and i[0] == 0 for i, _ in pairs) else ""


def _last(pairs: Pairs, name: str) -> str:
    return f"the last {name}" if all(len(i) == 1 and i[0] == n - 1 for i, n in pairs) else ""


def _from(pairs: Pairs, name: str) -> str:
    """Return words if the wrong indices are all those from a constant one, in outputs of several sizes."""
    starts, sizes = {int(i[0]) for i, _ in pairs}, {n for _, n in pairs}
    return f"{name}s from {starts.pop()}" if len(starts) == 1 and len(sizes) > 1 and _is_suffix(pairs) else ""


def _tail(pairs: Pairs, name: str) -> str:
    if _is_suffix(pairs):
        return f"the last {name}s"
    is_prefix = all(i[-1] == len(i) - 1 and len(i) < n for i, n in pairs)
    return f"the first {name}s" if is_prefix else ""


def _is_suffix(pairs: Pairs) -> bool:
    return all(i[0] + len(i) == n and (len(i) < n or n == 1) for i, n in pairs)


def _steps(pairs: Pairs, name: str) -> str:
    """Return words if every k-th index is wrong, and at least two are somewhere."""
    steps = {int(step) for i, _ in pairs for step in np.diff(i)}
    if len(steps) != 1 or not 1 < (step := steps.pop()) <= MAX_STEP:
        return ""
    starts = {int(i[0]) for i, _ in pairs}
    is_complete = all(i[-1] + step >= n and len(i) >= 1 for i, n in pairs)
    return f"every {_ordinal(step)} {name}" if len(starts) == 1 and starts.pop() < step and is_complete else ""


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return "second" if number == 2 else f"{number}{'th' if 10 < number % 100 < 14 else endings.get(number % 10, 'th')}"


def _border(wrong: Wrong) -> str:
    def is_at_border(each: WrongOutputs) -> bool:
        return not each.mask[..., 1:-1, 1:-1].any()

    return "the outputs at the border" if _shows_more(wrong, 2, 3) and all(map(is_at_border, wrong)) else ""


def _padding(wrong: Wrong) -> str:
    """Return words if only outputs that read the padding are wrong, or only those that do not."""
    both = [each for each in wrong if 0 < each.reads_padding.mean() < 1]
    if 2 * len(both) < len(wrong):
        return ""
    if not any((each.mask & ~each.reads_padding).any() for each in wrong):
        return "the outputs that read the padding"
    if not any((each.mask & each.reads_padding).any() for each in wrong):
        return "the outputs that read no padding"
    return ""


def _single(wrong: Wrong) -> str:
    return "single outputs" if all(each.mask.sum() == 1 for each in wrong) else ""


def _few(wrong: Wrong) -> str:
    if all(each.mask.mean() >= 1 - FEW for each in wrong):
        return "nearly all outputs"
    return "a few outputs" if all(each.mask.mean() <= FEW for each in wrong) else ""
