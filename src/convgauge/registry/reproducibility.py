"""Axes of reproducibility: the ways in which two calls may differ whose outputs are equal bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

AXES: Mapping[str, str] = {
    "run": "repeated calls",
    "batch": "an image alone and in batches of several sizes",
    "crop": "a crop of rows and columns whose receptive field is whole",
    "threads": "several counts of threads",
    "layout": "several memory layouts of the operands",
    "address": "operands at several alignments",
    "process": "two processes",
}
"""Variation along each axis, by its name."""


class UnknownAxisError(ValueError):
    """Name that is no axis of reproducibility; the message lists the axes."""


def axes_of(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return declared axes, each once, in the order of `AXES`. Raises `UnknownAxisError`.

    Parameters
    ----------
    names : str or iterable of str
        Names of axes; one string is one name.
    """
    declared = (names,) if isinstance(names, str) else tuple(names)
    for name in declared:
        if name not in AXES:
            raise UnknownAxisError(f"reproducible: {name!r} is not one of {', '.join(AXES)}")
    return tuple(axis for axis in AXES if axis in declared)
