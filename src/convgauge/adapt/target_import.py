"""Import of a target in the adapter's file: by the name of its module, or by its path."""

from __future__ import annotations

import importlib.util
import keyword
import os
import sys
from pathlib import Path

from convgauge.adapt.source import RESERVED, TargetImport
from convgauge.registry import Origin


def target_import(origin: Origin, folder: Path) -> TargetImport:
    """Return the import of a target for an adapter in a folder."""
    top = origin.attribute.partition(".")[0]
    name = f"{top} as kernel" if top in RESERVED else top
    title = f"{os.path.basename(origin.location)}:{origin.attribute}"
    if origin.kind == "module":
        return TargetImport((f"from {origin.location} import {name}",), top, origin.attribute, title)
    path = Path(origin.location).resolve()
    is_beside = path.parent == folder.resolve()
    if not is_importable(path):
        location = f'Path(__file__).with_name("{path.name}")' if is_beside else f'Path("{path}")'
        assigned = "kernel" if top in RESERVED else top
        runs = (
            "import runpy",
            "from pathlib import Path",
            "",
            f'{assigned} = runpy.run_path(str({location}))["{top}"]',
        )
        return TargetImport(runs, top, origin.attribute, title)
    lines = () if is_beside else ("import sys", "", f'sys.path.append("{path.parent}")')
    return TargetImport((*lines, f"from {path.stem} import {name}"), top, origin.attribute, title)


def is_importable(path: Path) -> bool:
    """Return True if a file can be imported by its name: no other module has that name."""
    stem = path.stem
    if not stem.isidentifier() or keyword.iskeyword(stem) or stem in sys.stdlib_module_names:
        return False
    try:
        spec = importlib.util.find_spec(stem)
    except (ImportError, ValueError):
        return False
    return spec is None or (spec.origin is not None and os.path.realpath(spec.origin) == str(path))
