"""Sweeps of one size through all small values and the neighbours of powers of two, the others small."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convgauge.conformance.cases import sweep
from convgauge.conformance.judge import Judge
from convgauge.problem import Problem

QUICK = [*range(1, 21), 23, 24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129, 255, 256, 257]
STANDARD = [*range(1, 71), 95, 96, 97, 127, 128, 129, 191, 192, 193, 255, 256, 257, 511, 512, 513]


def is_thorough(judge: Judge) -> bool:
    """Return True if every size is due: at standard only in float32, as kernels of other dtypes have its geometry."""
    tier = judge.setting.tier
    return tier == "exhaustive" or (tier == "standard" and judge.dtype == "float32")


def sizes(judge: Judge, largest: int = 513) -> list[int]:
    """Return the values that a size takes at this tier, up to ``largest``."""
    values = STANDARD if is_thorough(judge) else QUICK
    return [value for value in values if value <= largest]


def in_turn(judge: Judge, kinds: Sequence[Problem], axis: str, values: Sequence[int]) -> list[Problem]:
    """Return each value with all of the kinds if it is thorough, otherwise with one of them in turn."""
    count = len(kinds) if is_thorough(judge) else 1
    pairs = [(value, index * count + i) for index, value in enumerate(values) for i in range(count)]
    return [
        problem
        for seed, (value, i) in enumerate(pairs)
        for problem in sweep(among_others(kinds[i % len(kinds)], axis, seed), axis, [value])
    ]


OTHERS = {"batch": (1, 2, 3, 4, 5, 8, 16), "in_channels": (1, 2, 3, 4, 8, 16, 24), "out_channels": (1, 2, 3, 6, 8, 17)}
MAX_PRODUCTS = 600  # for one position of the output, so that loops in plain Python end in time


def among_others(kind: Problem, axis: str, seed: int) -> Problem:
    """Return the kind with other small values for the sizes that are not swept: a fault may depend on two sizes.

    The values are random, the same for every run, and limited in the number of products.
    """
    random = np.random.default_rng(seed)
    for _ in range(8):
        chosen = {name: int(random.choice(values)) for name, values in OTHERS.items() if name != axis}
        if kind.groups > 1:
            chosen = {"batch": chosen.get("batch", 1)}
        other = kind.replace(**chosen)
        if seed % 3 and other.batch * other.out_channels * other.reduction <= MAX_PRODUCTS:
            return other
    return kind
