"""Kernels, runs and a browser that several tests share; not tests themselves."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
"""Folder of the kernels that a test hands over as a path."""

ROOT = FOLDER.parents[1]
"""Root of the checkout."""
