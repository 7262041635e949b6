"""Where the files lie that the engine runs but does not import: specs, implementations, layer sets, templates."""

from __future__ import annotations

from pathlib import Path


def bundled(*parts: str) -> Path:
    """The path of ``conformance/…``, ``implementations/…``, ``benchmarks/…`` or ``reports/…``.

    In an installed wheel they are inside the package; in a checkout (an editable install) at its root. Raises
    `FileNotFoundError` where neither has them.
    """
    package = Path(__file__).resolve().parent
    for root in (package / "_bundled", package.parent.parent):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"{'/'.join(parts)} is neither in the installed package nor in a checkout around {package}")
