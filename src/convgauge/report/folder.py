"""The folder of a report: filled beside its destination, then moved there as a whole."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from convgauge import __version__

MARKER = "convgauge-report.json"
"""File that marks a folder as a report, which the next report may replace."""


class Folder:
    """A folder that files are written into by their paths in the report."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file, and the folders above it."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))

    def has(self, path: str) -> bool:
        """Return True if the file has been written."""
        return (self.root / path).exists()

    def size(self, path: str) -> int:
        """Return the size of a file in bytes."""
        return (self.root / path).stat().st_size


@contextlib.contextmanager
def replacing(output: Path) -> Iterator[Folder]:
    """Yield an empty folder that becomes ``output`` if the block succeeds, and is removed otherwise.

    Raises
    ------
    FileExistsError
        If ``output`` contains something other than a report.
    OSError
        If a file cannot be written.
    """
    _check_replaceable(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        draft.chmod(0o755)
        folder = Folder(draft)
        yield folder
        folder.write(MARKER, json.dumps({"generator": "convgauge", "version": __version__}))
        _swap(draft, output)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _check_replaceable(output: Path) -> None:
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise FileExistsError(f"{output} is not a folder: the report needs one of its own")
    if output.is_dir() and any(output.iterdir()) and not (output / MARKER).is_file():
        raise FileExistsError(f"{output} holds something other than a report: name an empty or a new folder")


def _swap(draft: Path, output: Path) -> None:
    """Move ``draft`` to ``output``; if that fails, the earlier report is moved back."""
    if not output.exists():
        draft.rename(output)
        return
    earlier = draft.with_name(f"{draft.name}-old")
    output.rename(earlier)
    try:
        draft.rename(output)
    except OSError:
        earlier.rename(output)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
