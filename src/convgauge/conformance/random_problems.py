"""Random problems: parameters that networks use, and some that none uses."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

from convgauge.conformance.cases import visible_shares
from convgauge.problem import Problem, ProblemError

MAX_FLOPS = 240_000
"""FLOPs of a problem, so that loops in plain Python can compute it."""

DEPTHWISE = 0
"""Number of groups that stands for as many as there are input channels."""

Value = TypeVar("Value")

KERNELS = [*[(3, 3)] * 6, *[(1, 1)] * 4, *[(5, 5)] * 3, (7, 7), (2, 2), (4, 4), (1, 3), (3, 1), (1, 7), (7, 1), (2, 3),
           (5, 3), (3, 5), (9, 9), (6, 2), (11, 11), (1, 15), (13, 1)]  # fmt: skip
STRIDES = [*[(1, 1)] * 6, *[(2, 2)] * 4, (1, 2), (2, 1), (3, 3), (4, 4), (3, 2), (1, 4)]
DILATIONS = [*[(1, 1)] * 8, (2, 2), (2, 2), (1, 2), (2, 1), (3, 3), (4, 4), (1, 5)]
CHANNELS = [1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 12, 16, 16, 20, 24, 32, 32, 33, 48, 64, 64, 65, 96, 100, 128, 160, 256]
BATCHES = [*[1] * 6, 2, 2, 3, 4, 4, 5, 6, 8, 8, 9, 12, 16, 17, 32, 33, 64]
SIZES = [*range(1, 21), 24, 27, 28, 31, 32, 33, 34, 35, 36, 37, 40, 47, 48, 49, 56, 63, 64, 65, 66, 96, 112, 127, 128]


def choose(random: np.random.Generator, values: Sequence[Value]) -> Value:
    """Return one of the values, each with the same probability."""
    return values[int(random.integers(len(values)))]


def random_problem(random: np.random.Generator) -> Problem | None:
    """Return a random problem, or None if the parameters are inconsistent or need more than `MAX_FLOPS`."""
    kernel, stride, dilation = (choose(random, values) for values in (KERNELS, STRIDES, DILATIONS))
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = choose(
        random,
        [
            (0, 0),
            *[(extent[0] // 2, extent[1] // 2)] * 3,
            "same" if stride == (1, 1) else "valid",
            (extent[0] - 1, extent[1] - 1),
            (int(random.integers(5)), int(random.integers(5))),
            (int(random.integers(1, 4)), 0),
        ],
    )
    groups = choose(random, [*[1] * 5, 2, 2, 3, 4, 8, DEPTHWISE, DEPTHWISE])
    into, out = (choose(random, CHANNELS) for _ in range(2))
    if groups == DEPTHWISE:
        groups, out = into, into * choose(random, [1, 1, 1, 2, 3])
    else:
        into, out = (max(1, channels // groups) * groups for channels in (into, out))
    height, width = (choose(random, SIZES) for _ in range(2))
    if random.integers(3) == 0:
        width = height
    try:
        problem = Problem(
            choose(random, BATCHES), into, height, width, out, kernel, stride, padding, dilation, groups,
            bool(random.integers(2)),
        )  # fmt: skip
    except ProblemError:
        return None
    return problem if 0 < problem.flops <= MAX_FLOPS and math.prod(visible_shares(problem)) >= 0.25 else None


@lru_cache
def random_problems(count: int, key: str) -> list[Problem]:
    """Return ``count`` random problems, the same ones for the same ``key``."""
    random = np.random.default_rng(zlib.crc32(key.encode()))
    problems: list[Problem] = []
    while len(problems) < count:
        problem = random_problem(random)
        if problem is not None:
            problems.append(problem)
    return problems
