"""Implementations: declared by a decorator, found by name, and loaded.

A declaration is read from the source text (`scan`), so that no code of an implementation runs when implementations are
listed. The function itself is loaded (`load`) only in the process that calls it. A module belongs here if it declares,
finds or loads implementations. It runs in the worker too, so on Python 3.9, and imports `bundled`, `terms` and
`domain` alone.
"""

from convgauge.registry.declaration import Declaration, Implementation, implementation
from convgauge.registry.frameworks import framework_names, is_installed
from convgauge.registry.loading import load, load_file, load_target
from convgauge.registry.origin import LoadError, Origin, TargetError
from convgauge.registry.reproducibility import AXES, UnknownAxisError, axes_of
from convgauge.registry.targets import (
    ENTRY_POINTS,
    EXTRAS,
    builtins,
    known,
    relative_to_here,
    require_distinct,
    resolve,
    resolve_all,
    scan,
    short_target_of,
    split_name,
    target_of,
)

__all__ = [
    "AXES",
    "ENTRY_POINTS",
    "EXTRAS",
    "Declaration",
    "Implementation",
    "LoadError",
    "Origin",
    "TargetError",
    "UnknownAxisError",
    "axes_of",
    "builtins",
    "framework_names",
    "implementation",
    "is_installed",
    "known",
    "load",
    "load_file",
    "load_target",
    "relative_to_here",
    "require_distinct",
    "resolve",
    "resolve_all",
    "scan",
    "short_target_of",
    "split_name",
    "target_of",
]
