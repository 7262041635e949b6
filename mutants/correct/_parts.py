"""Names that correct builds share with the mutants, from ``_base.py`` in the folder above."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from _base import DTYPES, computed, contracted, conv, correct, finished, padded, pair, resolve, windows

__all__ = [
    "DTYPES", "computed", "contracted", "conv", "correct", "finished", "padded", "pair", "resolve", "windows",
]  # fmt: skip
