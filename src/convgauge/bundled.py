"""Paths of files that the engine runs but does not import: specs, implementations, layer sets, templates."""

from __future__ import annotations

from pathlib import Path


def bundled(*parts: str) -> Path:
    """Return the path of ``conformance/…``, ``implementations/…``, ``benchmarks/…`` or ``reports/…``.

    In an installed wheel these folders are inside the package; in a checkout they are at its root.

    Parameters
    ----------
    parts
        Components of the path, the first of which is the folder.

    Raises
    ------
    FileNotFoundError
        Neither the package nor a checkout around it has the file.
    """
    package = Path(__file__).resolve().parent
    for root in (package / "_bundled", package.parent.parent):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"{'/'.join(parts)} is neither in the installed package nor in a checkout around {package}")
