"""Names that correct builds share with the mutants, from the files ``_*.py`` in the folder above."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from _base import DTYPES, computed, contracted, conv, correct, finished, padded, pair, resolve, windows
from _computed import by_weight, problem_of
from _disk import Store, digest
from _domains import (
    has_even_sizes,
    has_int_arguments,
    has_powers_of_two,
    is_blocked,
    is_depthwise,
    is_one_image,
    is_square_3x3,
)

__all__ = [
    "DTYPES", "Store", "by_weight", "computed", "contracted", "conv", "correct", "digest", "finished", "has_even_sizes",
    "has_int_arguments", "has_powers_of_two", "is_blocked", "is_depthwise", "is_one_image", "is_square_3x3", "padded",
    "pair", "problem_of", "resolve", "windows",
]  # fmt: skip
