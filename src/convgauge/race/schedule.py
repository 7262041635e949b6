"""In which order the contestants run: random cyclic Latin squares."""

from __future__ import annotations

from typing import Any

import numpy as np


def square(size: int, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """A random cyclic Latin square, shape (size, size): row r is one round's order of the contestants 0 ... size - 1.

    Each contestant stands once in each place, so that what a place does to a sample (a clock that has just been
    raised, a cache that the one before has emptied) falls on all alike. Rows, columns' start and labels are shuffled.
    """
    labels = random.permutation(size)
    shifts = random.permutation(size)
    result: np.ndarray[Any, Any] = labels[(shifts[:, None] + np.arange(size)) % size]
    return result
