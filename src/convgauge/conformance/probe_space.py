"""Problems on which an implementation is probed: typical ones, and steps that change a field of one that is answered.

All are small, since only it counts whether they are answered.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

from convgauge.conformance.cases import Case
from convgauge.conformance.random_problems import MAX_FLOPS
from convgauge.domain import CONTIGUOUS
from convgauge.problem import Pair, Problem, ProblemError

MAX_GROWTH = 16
"""Factor by which a probe may be larger than a large anchor: both numbers of channels may be four times as large."""

MAX_ANCHOR_FLOPS = 1_200_000
"""FLOPs of an anchor: 64 channels with a 3x3 kernel fit. 400 probes then take about a second with NumPy."""

MAX_TYPICAL = 160
"""Typical calls that are tried until one is answered: most of them are refused without any work."""

Spelling = Callable[[Pair], Any]

SPELLINGS: dict[str, Spelling] = {
    "tuple": lambda pair: pair,
    "int": lambda pair: pair[0] if pair[0] == pair[1] else None,
    "list": list,
}
"""Ways to spell a pair; None if the pair cannot be spelled so."""

_ARGUMENTS = ("stride", "padding", "dilation")


def _image(channels: int, size: int, outputs: int, kernel: int, padding: int = 0, **changes: Any) -> Problem:  # noqa: ANN401 parameters of several types
    """Return a problem of one square image."""
    base = Problem(1, channels, size, size, outputs, (kernel, kernel), padding=(padding, padding))
    return base.replace(**changes)


TYPICAL = (
    _image(1, 5, 1, 1),
    _image(1, 8, 1, 3),
    _image(3, 8, 4, 3, 1),
    _image(3, 9, 4, 3, 1, batch=2),
    _image(4, 8, 8, 3, batch=4),
    _image(4, 8, 4, 3, 1, groups=4),
    _image(32, 8, 32, 3),
    _image(16, 8, 16, 3, 1),
    _image(64, 6, 64, 3),
    _image(32, 8, 32, 3, 1, groups=32),
    _image(64, 8, 64, 1),
    _image(8, 16, 8, 5, 2),
    _image(16, 9, 16, 3, 1, stride=(2, 2)),
    _image(128, 4, 128, 3),
    _image(8, 8, 8, 3, 1, batch=8),
    _image(3, 32, 8, 3, 1),
    _image(3, 16, 16, 7, 3, stride=(2, 2)),
    _image(3, 16, 16, 4, stride=(4, 4)),
    _image(256, 4, 256, 1),
    _image(1, 64, 1, 3, 1),
)
"""Typical problems, the simple and narrow ones first."""


COMMON_DTYPES = 3
"""Dtypes in which all typical problems may be tried; in others, which few implementations require, only `RARE` are."""

RARE = TYPICAL[1:3] + TYPICAL[6:7]


def typical_cases(dtypes: Sequence[str]) -> list[Case]:
    """Return typical cases: each problem with and without a bias, in tuples and in ints, in the first dtypes."""
    variants = list(itertools.product((False, True), ("tuple", "int")))
    ranked = []
    for (p, problem), (v, (bias, spelling)), (d, dtype) in itertools.product(
        enumerate(TYPICAL), enumerate(variants), enumerate(dtypes[:COMMON_DTYPES])
    ):
        case = Case(problem.replace(bias=bias, dtype=dtype))
        ranked.append((p + 3 * v + 8 * d, _spelled_all(case, spelling)))
    ranked.sort(key=lambda entry: entry[0])
    rare = [Case(problem.replace(dtype=dtype)) for dtype in dtypes[COMMON_DTYPES:] for problem in RARE]
    return [*(case for _, case in ranked[: MAX_TYPICAL - len(rare)]), *rare]


def _spelled_all(case: Case, spelling: str) -> Case:
    for name in _ARGUMENTS:
        case = spelled(case, name, spelling) or case
    return case


def spelled(case: Case, name: str, spelling: str) -> Case | None:
    """Return a case with one argument spelled in another way, or None if it cannot be spelled so."""
    pair = getattr(case.problem, name)
    value = None if isinstance(pair, str) else SPELLINGS[spelling](pair)
    others = tuple(argument for argument in case.arguments if argument[0] != name)
    if value is None:
        return None
    return replace(case, arguments=others if spelling == "tuple" else (*others, (name, value)))


# --- steps -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Change of a case in one field: ``apply`` returns the changed case, or None if there is none."""

    field: str
    is_first: bool
    apply: Callable[[Case], Case | None]


Change = Callable[[Problem], dict[str, Any]]
"""Function that returns the parameters to change."""


def _constant(**changes: object) -> Change:
    return lambda _: changes


def _set(field: str, change: Change, *, is_first: bool) -> Step:
    def apply(case: Case) -> Case | None:
        try:
            problem = case.problem.replace(**change(case.problem))
        except ProblemError:
            return None
        return respelled(case, problem)

    return Step(field, is_first, apply)


def respelled(case: Case, problem: Problem) -> Case | None:
    """Return a case of another problem whose arguments are spelled as before, or in tuples where they cannot be."""
    changed = replace(case, problem=problem, arguments=())
    for name, value in case.arguments:
        changed = spelled(changed, name, type(value).__name__) or changed
    return changed


CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 24, 31, 32, 33, 40, 48, 64, 65, 96, 128)
SIZES = (*range(1, 21), 24, 28, 31, 32, 33, 40, 48, 56, 63, 64, 65, 80, 96, 112, 127, 128, 129)
KERNELS = (
    *((k, k) for k in range(1, 10)), (11, 11), (13, 13), (15, 15),
    (1, 2), (1, 3), (3, 1), (2, 3), (3, 2), (5, 3), (3, 5), (1, 7), (7, 1), (1, 15), (13, 1), (6, 2), (1, 9), (9, 1),
)  # fmt: skip
STRIDES = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (1, 2), (2, 1), (3, 2), (2, 3), (1, 4), (4, 1))
DILATIONS = ((1, 1), (2, 2), (3, 3), (4, 4), (1, 2), (2, 1), (2, 3), (1, 5), (3, 1))
PADDINGS = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (1, 0), (0, 1), (2, 1), (1, 2), (0, 3), (3, 0))
SMALLER_THAN_KERNEL = (((1, 1), 3), ((2, 2), 3), ((3, 12), 5), ((12, 3), 5), ((1, 7), 3), ((7, 1), 3))
"""Sizes of images and larger kernels, which padding makes possible."""
PATCHES = (2, 3)
"""Sizes of kernels that are as large as the stride."""
BATCHES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 32, 33, 64)

NUMBERS = ("batch", "in_channels", "out_channels", "height", "width")
"""Numbers of which every value may be tried, to find a bound."""

MAX_VALUES = 64
"""Values of a number that are considered between two: half of them are excluded by each call."""

_FIRST = {
    "in_channels": (1, 2, 3, 4, 5, 8, 16, 32, 33, 64, 96, 128),
    "out_channels": (1, 2, 3, 4, 5, 8, 16, 32, 33, 64, 96, 128),
    "size": (5, 6, 7, 8, 9, 12, 16, 17, 33, 64, 65, 128),
    "batch": (1, 2, 3, 8, 33),
    "kernel": (
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
        (5, 5),
        (7, 7),
        (9, 9),
        (11, 11),
        (15, 15),
        (1, 3),
        (3, 1),
        (2, 3),
        (5, 3),
    ),
    "stride": ((1, 1), (2, 2), (3, 3), (1, 2), (2, 1), (4, 4)),
    "dilation": ((1, 1), (2, 2), (1, 2), (2, 1), (3, 3)),
    "padding": ((0, 0), (1, 1), (2, 2), (1, 0), (0, 1), (3, 3)),
}
"""Values that are tried first, each alone."""


def steps(anchor: Case, dtypes: Sequence[str], layouts: Sequence[str]) -> list[Step]:
    """Return the changes of single fields around a case."""
    return [
        *_channel_steps(anchor.problem),
        *_image_steps(),
        *_window_steps(),
        *_empty_steps(),
        *_group_steps(),
        _set("bias", lambda problem: {"bias": not problem.bias}, is_first=True),
        *(_set("dtype", _constant(dtype=dtype), is_first=True) for dtype in dtypes),
        *_spelling_steps(),
        *_layout_steps(layouts),
    ]


def interleaved(steps: Iterable[Step]) -> list[Step]:
    """Return steps in turns of their fields, so that the first ones change each field."""
    turns: Counter[str] = Counter()
    ranked = []
    for step in steps:
        turns[step.field] += 1
        ranked.append((turns[step.field], step))
    return [step for _, step in sorted(ranked, key=lambda entry: entry[0])]


def _channel_steps(anchor: Problem) -> Iterator[Step]:
    """Yield changes of channels. In a depthwise problem the groups follow the input channels."""

    def inputs(value: int) -> Change:
        def change(problem: Problem) -> dict[str, Any]:
            if not problem.groups == problem.in_channels > 1:
                return {"in_channels": value}
            multiplier = problem.out_channels // problem.groups
            return {"in_channels": value, "groups": value, "out_channels": value * multiplier}

        return change

    def both(value: int) -> Change:
        def change(problem: Problem) -> dict[str, Any]:
            return {**inputs(value)(problem), "out_channels": value}

        return change

    for value in CHANNELS:
        yield _set("in_channels", inputs(value), is_first=value in _FIRST["in_channels"])
        yield _set("out_channels", _constant(out_channels=value), is_first=value in _FIRST["out_channels"])
        yield _set("in_channels", both(value), is_first=value in (2, 4, 32, 64))


def value_steps(values: Mapping[str, Iterable[int]]) -> list[Step]:
    """Return changes of single numbers, for those of `NUMBERS`."""
    return [
        _set(name, _constant(**{name: value}), is_first=False)
        for name in NUMBERS
        for value in itertools.islice(values.get(name, ()), MAX_VALUES)
    ]


def _image_steps() -> Iterator[Step]:
    for value in SIZES:
        is_first = value in _FIRST["size"]
        yield _set("height", _constant(height=value), is_first=is_first)
        yield _set("width", _constant(width=value), is_first=is_first)
        yield _set("size", _constant(height=value, width=value), is_first=is_first)
    for value in BATCHES:
        yield _set("batch", _constant(batch=value), is_first=value in _FIRST["batch"])


def _empty_steps() -> Iterator[Step]:
    """Yield changes to problems without images, channels, rows or columns; padding gives them an output."""
    for name in ("batch", "in_channels", "out_channels"):
        yield _set(name, _constant(**{name: 0}), is_first=True)
    for name in ("height", "width"):
        empty = _constant(**{name: 0}, kernel=(3, 3), padding=(2, 2), dilation=(1, 1))
        yield _set(name, empty, is_first=True)


def _window_steps() -> Iterator[Step]:
    for field, values in (("kernel", KERNELS), ("stride", STRIDES), ("dilation", DILATIONS), ("padding", PADDINGS)):
        for pair in values:
            yield _set(field, _enlarged(field, pair), is_first=pair in _FIRST[field])
    for word in ("same", "valid"):
        yield _set("padding", _constant(padding=word), is_first=True)
    for size, kernel in SMALLER_THAN_KERNEL:
        yield _set("kernel", _smaller(size, kernel), is_first=True)
    for patch in PATCHES:  # a kernel of 1×1 and stride 1 alone is not "as wide as its stride"
        yield _set("stride", _patches(patch), is_first=True)
    yield _set("padding", lambda problem: {"padding": (problem.extent[0] // 2, problem.extent[1] // 2)}, is_first=True)
    yield _set("padding", lambda problem: {"padding": (problem.extent[0] - 1, problem.extent[1] - 1)}, is_first=True)


def _patches(size: int) -> Change:
    """Return the change to a window that moves by its own size."""
    larger = _enlarged("kernel", (size, size))
    return lambda problem: {**larger(problem.replace(stride=(1, 1))), "stride": (size, size)}


def _smaller(size: Pair, kernel: int) -> Change:
    """Return the change to an image that is smaller than the kernel, with padding around it."""
    pad = kernel // 2
    return _constant(height=size[0], width=size[1], kernel=(kernel, kernel), padding=(pad, pad), dilation=(1, 1))


def _enlarged(field: str, pair: Pair) -> Change:
    """Return a change of the window; a square image that is smaller than the window grows with it."""

    def change(problem: Problem) -> dict[str, Any]:
        others = {"kernel": problem.kernel, "dilation": problem.dilation, field: pair}
        extent = max(d * (k - 1) + 1 for k, d in zip(others["kernel"], others["dilation"], strict=True))
        if extent <= min(problem.height, problem.width):
            return {field: pair}
        return {field: pair, "height": extent, "width": extent}

    return change


def _group_steps() -> Iterator[Step]:
    def change(groups: int, channels: int, outputs: int) -> Change:
        return _constant(groups=groups, in_channels=channels, out_channels=outputs)

    def keeping(groups: int) -> Change:
        return lambda problem: {
            "groups": groups,
            "in_channels": -(-problem.in_channels // groups) * groups,
            "out_channels": -(-problem.out_channels // groups) * groups,
        }

    for groups in (1, 2, 3, 4, 8):
        yield _set("groups", keeping(groups), is_first=True)
        yield _set("groups", change(groups, 2 * groups, 3 * groups), is_first=groups < 3)
        yield _set("groups", change(groups, groups, groups), is_first=groups in (2, 4))
        yield _set("groups", change(groups, groups, 2 * groups), is_first=groups in (2, 4))
        yield _set("groups", change(groups, 32 * groups, 32 * groups), is_first=False)
    yield _set(
        "groups", lambda problem: {"groups": problem.in_channels, "out_channels": problem.in_channels}, is_first=True
    )


def _spelling_steps() -> Iterator[Step]:
    for name, spelling in itertools.product(_ARGUMENTS, SPELLINGS):
        yield Step(f"{name} spelled", True, partial(spelled, name=name, spelling=spelling))


def _layout_steps(layouts: Iterable[str]) -> Iterator[Step]:
    def change(index: int, layout: str) -> Callable[[Case], Case]:
        def apply(case: Case) -> Case:
            changed = [*case.layouts]
            changed[index] = layout
            return replace(case, layouts=(changed[0], changed[1], changed[2]))

        return apply

    for layout, index in itertools.product(layouts, (0, 1)):
        yield Step(f"layout {index}", layout != CONTIGUOUS[0], change(index, layout))


# --- combinations ----------------------------------------------------------------------------------------------------


def max_flops(anchor: Case) -> int:
    """Return the FLOPs of the largest probe around an anchor."""
    return max(MAX_FLOPS, MAX_GROWTH * anchor.problem.flops)


def by_field(steps: Iterable[Step]) -> dict[str, list[Step]]:
    """Return steps by their field."""
    fields: dict[str, list[Step]] = {}
    for step in steps:
        fields.setdefault(step.field, []).append(step)
    return fields


def combined(case: Case, steps: Mapping[str, list[Step]], random: Random, limit: int, most: int = 10) -> Case:
    """Return a case with several fields changed at random, each once.

    Parameters
    ----------
    case : Case
        Case to change.
    steps : mapping
        Steps by field; see `by_field`.
    random : Random
        Generator.
    limit : int
        FLOPs that the case may have.
    most : int
        Number of fields of which a change is tried.
    """
    for field in random.sample(list(steps), min(random.randint(2, most), len(steps))):
        changed = random.choice(steps[field]).apply(case)
        if changed is not None and changed.problem.flops <= limit:
            case = changed
    return case
