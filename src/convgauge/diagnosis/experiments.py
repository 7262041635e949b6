"""Experiments: problems of further calls, on which mechanisms disagree."""

from __future__ import annotations

import random
from collections.abc import Iterator

from convgauge.problem import Problem, ProblemError

_BASE = Problem(2, 4, 9, 7, 6, (3, 2), (1, 1), (1, 1), (1, 1), 1, True)

POOL = tuple(
    _BASE.replace(**changes)
    for changes in (
        {},
        {"bias": False},
        {"padding": (0, 0)},
        {"padding": (2, 1)},
        {"padding": (1, 3), "stride": (1, 2)},
        {"padding": (0, 2)},
        {"padding": "same"},
        {"padding": "same", "kernel": (4, 3)},
        {"padding": "same", "kernel": (2, 4), "dilation": (2, 1)},
        {"padding": "valid", "stride": (2, 1)},
        {"stride": (2, 2)},
        {"stride": (2, 1)},
        {"stride": (1, 3)},
        {"stride": (3, 2), "padding": (1, 2)},
        {"dilation": (2, 1)},
        {"dilation": (1, 3), "padding": (0, 3)},
        {"dilation": (2, 2), "stride": (2, 2), "padding": (2, 2)},
        {"kernel": (1, 1)},
        {"kernel": (1, 1), "padding": (0, 0), "stride": (2, 2)},
        {"kernel": (3, 3)},
        {"kernel": (5, 1), "padding": (2, 0)},
        {"kernel": (1, 4)},
        {"kernel": (4, 4), "padding": (2, 2)},
        {"groups": 2},
        {"groups": 2, "padding": (2, 0), "bias": False},
        {"groups": 2, "stride": (1, 2), "kernel": (3, 3)},
        {"in_channels": 6, "groups": 6},
        {"in_channels": 6, "groups": 3, "dilation": (1, 2), "padding": (0, 1)},
        {"in_channels": 3, "out_channels": 9, "groups": 3},
        {"in_channels": 4, "out_channels": 8, "groups": 4, "stride": (2, 1)},
        {"batch": 1},
        {"batch": 3, "in_channels": 1, "out_channels": 1},
        {"in_channels": 1},
        {"out_channels": 1},
        {"in_channels": 5, "out_channels": 5},
        {"in_channels": 17, "out_channels": 33, "batch": 1, "kernel": (3, 3)},
        {"in_channels": 16, "out_channels": 32, "batch": 1, "kernel": (1, 1), "padding": (0, 0)},
        {"height": 8, "width": 8, "kernel": (3, 3), "padding": (1, 1)},
        {"height": 13, "width": 6, "kernel": (3, 3), "padding": (0, 1)},
        {"height": 5, "width": 40, "batch": 1},
        {"height": 40, "width": 5, "batch": 1},
        {"height": 17, "width": 19, "stride": (2, 3), "kernel": (3, 3)},
        {"height": 3, "width": 2, "padding": (4, 3)},
        {"height": 1, "width": 1, "padding": (3, 2)},
        {"height": 6, "width": 6, "kernel": (6, 6), "padding": (0, 0)},
        {"height": 11, "width": 11, "kernel": (7, 5), "padding": (3, 2), "in_channels": 2, "out_channels": 3},
    )
)
"""Small problems of all kinds: each argument by itself, pairs that differ by axis, and combinations. A kernel is called
on all of them if several mechanisms explain what is known, or if little is known."""

REPEATS = 8
"""Equal calls of a failing problem: of a kernel that fails in one call of four, nine in ten times one fails and one
does not."""

VARIATIONS = 24
"""Variations of a failing problem that are called."""

_STEPS: dict[str, tuple[object, ...]] = {
    "batch": (1, 2, 3),
    "in_channels": (1, 2, 4, 6, 9),
    "out_channels": (1, 2, 4, 6, 9),
    "height": (4, 5, 8, 11),
    "width": (4, 5, 8, 11),
    "kernel": ((1, 1), (3, 3), (2, 3), (3, 2), (5, 5)),
    "stride": ((1, 1), (2, 2), (1, 2), (2, 1)),
    "padding": ((0, 0), (1, 1), (0, 1), (2, 1)),
    "dilation": ((1, 1), (2, 2), (1, 2), (2, 1)),
    "groups": (1, 2),
    "bias": (False, True),
}


def varied(problem: Problem) -> Iterator[Problem]:
    """Yield a problem several times, and problems that differ from it in one or two parameters.

    Equal calls that give different answers show that a kernel fails at random.
    """
    yield from [problem] * REPEATS
    source = random.Random(problem.text)
    for _ in range(VARIATIONS):
        names = source.sample(list(_STEPS), source.choice((1, 1, 2)))
        try:
            yield problem.replace(**{name: source.choice(_STEPS[name]) for name in names})
        except ProblemError:
            continue
