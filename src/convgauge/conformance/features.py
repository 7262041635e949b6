"""What sets one problem apart from the plainest: the space in which a suite covers, and a kernel fails, somewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convgauge.problem import Problem

LONG = 64
"""Products summed for one output from which on a sum is called long: one more than a 3x3 kernel over 7 channels."""


@dataclass(frozen=True)
class Feature:
    """One property of a problem: how it is called where it is there and where it is not, and how it is told."""

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
"""By the letter that stands for it in a run file. Layouts are no part of a problem: whoever calls tells of them."""


def feature_letters(problem: Problem, layouts: Sequence[str] = ()) -> str:
    """The letters of the features that a problem has, in the order of `FEATURES`; "" for the plainest.

    ``layouts`` are those of the input, the kernel and the bias, where they are known.
    """
    letters = [letter for letter, one in FEATURES.items() if one.holds(problem)]
    unusual = [letter for letter, layout in zip("lf", layouts, strict=False) if layout != "contiguous"]
    return "".join(letters + unusual)


def _rest(p: Problem) -> list[int]:
    """Rows and columns that a last, incomplete step of the stride leaves over."""
    sizes = zip((p.height, p.width), p.pads, p.extent, p.stride, strict=True)
    return [(size + sum(pads) - extent) % stride for size, pads, extent, stride in sizes]
