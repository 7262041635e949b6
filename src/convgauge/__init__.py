"""convgauge: prove a 2-D convolution right, then time it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # type checkers read these; at run time, `__getattr__` imports them
    from convgauge.problem import Problem, ProblemError
    from convgauge.registry import implementation

__version__ = "0.1.0"

_LAZY = {
    "Problem": "convgauge.problem",
    "ProblemError": "convgauge.problem",
    "implementation": "convgauge.registry",
}
__all__ = ["Problem", "ProblemError", "__version__", "implementation"]


def __getattr__(name: str) -> object:
    """Import a name on first use, so that ``import convgauge`` costs next to nothing."""
    if name in _LAZY:
        import importlib

        attribute: object = getattr(importlib.import_module(_LAZY[name]), name)
        return attribute
    raise AttributeError(f"module 'convgauge' has no attribute {name!r}")
