"""Problems at random, of all that networks use and some that none does."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from convgauge.conformance.cases import visible_shares
from convgauge.problem import Problem, ProblemError

MOST = 240_000  # FLOPs of one, so that loops in plain Python come through as well

KERNELS = [*[(3, 3)] * 6, *[(1, 1)] * 4, *[(5, 5)] * 3, (7, 7), (2, 2), (4, 4), (1, 3), (3, 1), (1, 7), (7, 1), (2, 3),
           (5, 3), (3, 5), (9, 9), (6, 2), (11, 11), (1, 15), (13, 1)]  # fmt: skip
STRIDES = [*[(1, 1)] * 6, *[(2, 2)] * 4, (1, 2), (2, 1), (3, 3), (4, 4), (3, 2), (1, 4)]
DILATIONS = [*[(1, 1)] * 8, (2, 2), (2, 2), (1, 2), (2, 1), (3, 3), (4, 4), (1, 5)]
CHANNELS = [1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 12, 16, 16, 20, 24, 32, 32, 33, 48, 64, 64, 65, 96, 100, 128, 160, 256]
BATCHES = [*[1] * 6, 2, 2, 3, 4, 4, 5, 6, 8, 8, 9, 12, 16, 17, 32, 33, 64]
SIZES = [*range(1, 21), 24, 27, 28, 31, 32, 33, 34, 35, 36, 37, 40, 47, 48, 49, 56, 63, 64, 65, 66, 96, 112, 127, 128]


def choose(random: np.random.Generator, values: Sequence[Any]) -> Any:
    """One of the values, each with the same chance."""
    return values[int(random.integers(len(values)))]


def random_problem(random: np.random.Generator) -> Problem | None:
    """One problem at random, or None where the parameters do not fit together or there is too much to compute."""
    kernel, stride, dilation = (choose(random, values) for values in (KERNELS, STRIDES, DILATIONS))
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = choose(
        random,
        [
            (0, 0),
            *[tuple(size // 2 for size in extent)] * 3,
            "same" if stride == (1, 1) else "valid",
            (extent[0] - 1, extent[1] - 1),
            tuple(int(random.integers(5)) for _ in range(2)),
            (int(random.integers(1, 4)), 0),
        ],
    )
    groups = choose(random, [*[1] * 5, 2, 2, 3, 4, 8, "depthwise", "depthwise"])
    into, out = (choose(random, CHANNELS) for _ in range(2))
    if groups == "depthwise":
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
    return problem if 0 < problem.flops <= MOST and math.prod(visible_shares(problem)) >= 0.25 else None


@lru_cache
def random_problems(count: int, key: str) -> list[Problem]:
    """``count`` problems, the same ones for the same ``key``."""
    random = np.random.default_rng(zlib.crc32(key.encode()))
    found: list[Problem] = []
    while len(found) < count:
        problem = random_problem(random)
        if problem is not None:
            found.append(problem)
    return found
