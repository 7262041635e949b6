"""convgauge: prove a 2-D convolution right, then time it."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_LAZY = {
    "Problem": "convgauge.problem",
    "ProblemError": "convgauge.problem",
    "implementation": "convgauge.registry",
}
__all__ = ["Problem", "ProblemError", "__version__", "implementation"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``import convgauge`` costs next to nothing."""
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'convgauge' has no attribute {name!r}")
