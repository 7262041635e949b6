"""Boolean features of a problem, used to measure coverage and to locate failures."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convgauge.problem import Problem

LONG = 64
"""Number of products of one output; a longer sum is called long. A 3x3 kernel over 7 channels has one less."""


@dataclass(frozen=True)
class Feature:
    """One property of a problem: its names if it is present and if it is absent, and its test."""

    there: str
    absent: str
    holds: Callable[[Problem], bool]


FEATURES = {
    "s": Feature("stride > 1", "stride 1", lambda p: max(p.stride) > 1),
    "u": Feature("stride > 2", "stride up to 2", lambda p: max(p.stride) > 2),
    "t": Feature("stride differs by axis", "one stride", lambda p: p.stride[0] != p.stride[1]),
    "r": Feature("stride leaves a rest", "stride divides", lambda p: any(_rest(p))),
    "p": Feature("padding > 0", "no padding", lambda p: any(map(any, p.pads))),
    "q": Feature("padding differs by axis", "one padding", lambda p: p.pads[0] != p.pads[1]),
    "w": Feature("padding as a word", "padding in numbers", lambda p: isinstance(p.padding, str)),
    "d": Feature("dilation > 1", "dilation 1", lambda p: max(p.dilation) > 1),
    "e": Feature("dilation differs by axis", "one dilation", lambda p: p.dilation[0] != p.dilation[1]),
    "g": Feature("groups > 1", "one group", lambda p: p.groups > 1),
    "m": Feature("depthwise", "not depthwise", lambda p: p.groups > 1 and p.groups == p.in_channels),
    "b": Feature("bias", "no bias", lambda p: p.bias),
    "n": Feature("batch > 1", "one image", lambda p: p.batch > 1),
    "i": Feature("several input channels", "one input channel", lambda p: p.in_channels > 1),
    "o": Feature("several output channels", "one output channel", lambda p: p.out_channels > 1),
    "x": Feature("1×1 kernel", "kernel not 1×1", lambda p: p.kernel == (1, 1)),
    "k": Feature("kernel not square", "square kernel", lambda p: p.kernel[0] != p.kernel[1]),
    "v": Feature("even kernel", "odd kernel", lambda p: not all(k % 2 for k in p.kernel)),
    "y": Feature("kernel wider than 3", "kernel up to 3", lambda p: max(p.kernel) > 3),
    "h": Feature("image not square", "square image", lambda p: p.height != p.width),
    "c": Feature("long sum", "short sum", lambda p: p.reduction > LONG),
    "z": Feature("empty", "not empty", lambda p: 0 in (p.batch, p.in_channels, p.out_channels, p.height, p.width)),
    "l": Feature("input not contiguous", "contiguous input", lambda p: False),
    "f": Feature("kernel not contiguous", "contiguous kernel", lambda p: False),
}
"""Features by their letter in a run file; a problem has no layouts, which the caller of `feature_letters` adds."""


def feature_letters(problem: Problem, layouts: Sequence[str] = ()) -> str:
    """Return the letters of a problem's features in the order of `FEATURES`, or "" if it has none.

    Parameters
    ----------
    problem : Problem
        Problem of a case.
    layouts : sequence of str
        Memory layouts of input, kernel and bias, if they are known.
    """
    return _letters(problem) + "".join(
        letter for letter, layout in zip("lf", layouts, strict=False) if layout != "contiguous"
    )


@functools.lru_cache(maxsize=4096)
def _letters(problem: Problem) -> str:
    """Return the letters of a problem; kept, as specs share their problems."""
    return "".join(letter for letter, feature in FEATURES.items() if feature.holds(problem))


def _rest(p: Problem) -> list[int]:
    """Return the rows and the columns that remain after the last complete step of the stride."""
    sizes = zip((p.height, p.width), p.pads, p.extent, p.stride, strict=True)
    return [(size + sum(pads) - extent) % stride for size, pads, extent, stride in sizes]
