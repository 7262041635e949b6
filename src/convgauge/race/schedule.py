"""Order of the contestants in each round: random cyclic Latin squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def latin_square(size: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return a random cyclic Latin square.

    Each contestant stands once at each position. So an effect of the position on a sample (a clock rate that has just
    been raised, a cache that the sample before has emptied) is the same for all. Rows, the starts of columns and
    labels are shuffled.

    Parameters
    ----------
    size : int
        Number of contestants.
    random : numpy.random.Generator
        Source of the permutations.

    Returns
    -------
    array of int64, shape (size, size)
        Row r is the order of the contestants 0 … size - 1 in one round.
    """
    labels = random.permutation(size)
    shifts = random.permutation(size)
    result: NDArray[np.int64] = labels[(shifts[:, None] + np.arange(size)) % size]
    return result
