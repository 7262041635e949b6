"""Names of the frameworks that have an adapter. The adapters are not imported: the worker is above the registry."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path


@functools.cache
def framework_names() -> tuple[str, ...]:
    """Return the names of the framework adapters: the modules of `convgauge.worker.frameworks`."""
    folder = Path(__file__).parents[1] / "worker" / "frameworks"
    return tuple(sorted(path.stem for path in folder.glob("*.py") if path.stem not in ("__init__", "base")))


def is_installed(name: str) -> bool:
    """Return True if the package of a framework is installed; it is not imported."""
    return importlib.util.find_spec(name) is not None
