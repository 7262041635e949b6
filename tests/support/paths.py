"""Paths of the checkout that tests read."""

from pathlib import Path

SUPPORT = Path(__file__).resolve().parent
"""Folder of the modules that tests share, and of the kernels that a test passes as a path."""

TESTS = SUPPORT.parent
DATA = TESTS / "data"
ROOT = TESTS.parent
"""Root of the checkout."""
