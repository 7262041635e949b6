"""Where an implementation fails: what its failing problems have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from convgauge.problem import Problem, ProblemError

FEATURES: dict[str, Callable[[Problem], bool]] = {
    "stride > 1": lambda p: max(p.stride) > 1,
    "stride differs by axis": lambda p: p.stride[0] != p.stride[1],
    "padding > 0": lambda p: any(map(any, p.pads)),
    "padding differs by axis": lambda p: p.pads[0] != p.pads[1],
    "padding as a word": lambda p: isinstance(p.padding, str),
    "dilation > 1": lambda p: max(p.dilation) > 1,
    "dilation differs by axis": lambda p: p.dilation[0] != p.dilation[1],
    "groups > 1": lambda p: p.groups > 1,
    "depthwise": lambda p: p.groups > 1 and p.groups == p.in_channels,
    "bias": lambda p: p.bias,
    "batch > 1": lambda p: p.batch > 1,
    "several input channels": lambda p: p.in_channels > 1,
    "several output channels": lambda p: p.out_channels > 1,
    "kernel not square": lambda p: p.kernel[0] != p.kernel[1],
    "even kernel": lambda p: not all(k % 2 for k in p.kernel),
    "image not square": lambda p: p.height != p.width,
    "stride does not divide": lambda p: any(_rest(p)),
    "empty": lambda p: 0 in (p.batch, p.in_channels, p.out_channels, p.height, p.width),
}
"""What sets a problem apart from the plainest one."""

_IMPLIED = {
    "depthwise": "groups > 1",
    "stride differs by axis": "stride > 1",
    "dilation differs by axis": "dilation > 1",
}


@dataclass(frozen=True)
class Region:
    """What failing problems share: ``features`` that all ``problems`` of them have, and how often each other one."""

    problems: int
    features: tuple[str, ...]
    partly: tuple[tuple[str, int], ...]
    dtypes: tuple[tuple[str, int], ...]

    @property
    def sentence(self) -> str:
        """``stride > 1 and groups > 1``; "" where the problems have nothing in common."""
        return " and ".join(self.features)


def region(failing: Iterable[str]) -> Region | None:
    """What the problems (their texts) have in common; None where there are none. Texts that don't read are left out."""
    problems = list(_read(dict.fromkeys(failing)))
    if not problems:
        return None
    held = Counter(name for problem in problems for name, has in FEATURES.items() if has(problem))
    common = [name for name in FEATURES if held[name] == len(problems)]
    common = [name for name in common if name not in _IMPLIED.values() or not _sharper(name, common)]
    partly = tuple((name, count) for name, count in held.most_common() if count < len(problems))
    return Region(len(problems), tuple(common), partly, tuple(Counter(p.dtype for p in problems).most_common()))


def _sharper(name: str, common: list[str]) -> bool:
    return any(_IMPLIED.get(other) == name for other in common)


def _read(texts: Iterable[str]) -> Iterable[Problem]:
    for text in texts:
        try:
            yield Problem.parse(text)
        except ProblemError:
            continue


def _rest(p: Problem) -> list[int]:
    """Rows and columns that a last, incomplete step of the stride leaves over."""
    sizes = zip((p.height, p.width), p.pads, p.extent, p.stride, strict=True)
    return [(size + sum(pads) - extent) % stride for size, pads, extent, stride in sizes]
