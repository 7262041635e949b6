"""Adapters of array frameworks, one module each, named as the framework.

The framework itself is imported when its adapter is first asked for: the process may have NumPy alone. All modules are
imported at once, since modules that are imported after a kernel was loaded belong to the kernel's copy of this package.
"""

from __future__ import annotations

import importlib

from convgauge.registry import framework_names
from convgauge.worker.frameworks.base import ADAPTERS, Array, Framework, Gradients, MemoryView, NotAnArray, Operand

__all__ = ["ADAPTERS", "Array", "Framework", "Gradients", "MemoryView", "NotAnArray", "Operand", "adapter", "framework"]

for _name in framework_names():
    importlib.import_module(f"{__name__}.{_name}")

_INSTANCES: dict[str, Framework] = {}


def adapter(name: str) -> type[Framework]:
    """Return the adapter class of a framework; the framework is not imported."""
    return ADAPTERS[name]


def framework(name: str) -> Framework:
    """Return the adapter of a framework, which is imported. Raises `ImportError` if it is not installed."""
    if name not in _INSTANCES:
        _INSTANCES[name] = ADAPTERS[name]()
    return _INSTANCES[name]
