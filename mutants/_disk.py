"""Private folder of a mutant that keeps files between the processes of one run.

The folder belongs to the program that started the process: the runs of two programs do not see each other's files.
Folders of programs that have ended are removed by the next process that asks for one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

PREFIX = "convgauge-mutant-"

MAX_ARRAYS, MAX_ELEMENTS = 400, 4096
"""Arrays that one process stores, more than a spec of other processes makes calls, and elements of each."""


def private_folder(name: str) -> Path:
    """Return the folder of the mutant of a name, which exists."""
    root = Path(tempfile.gettempdir())
    for path in root.glob(f"{PREFIX}*"):
        if path.name.removeprefix(PREFIX) != _identity(path.name.removeprefix(PREFIX).partition("-")[0]):
            shutil.rmtree(path, ignore_errors=True)
    folder = root / f"{PREFIX}{_identity(str(os.getppid()))}" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _identity(pid: str) -> str:
    """Return the id of a process and its start, which a later process of the same id does not share."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return f"{pid}-"
    return f"{pid}-{fields[19]}"


class Store:
    """Arrays in a folder, by a key: those that were there when the process started, and those that it adds.

    Parameters
    ----------
    name
        Name of the mutant.
    """

    def __init__(self, name: str) -> None:
        self._folder = private_folder(name)
        self._earlier = {path.name for path in self._folder.iterdir()}
        self._left = MAX_ARRAYS

    def earlier(self, *key: object) -> np.ndarray[Any, Any] | None:
        """Return the array that an earlier process stored, or None."""
        name = self._name(key)
        return np.load(self._folder / name) if name in self._earlier else None

    def add(self, array: np.ndarray[Any, Any], *key: object) -> None:
        """Store an array for later processes."""
        if self._left and array.size <= MAX_ELEMENTS:
            self._left -= 1
            np.save(self._folder / self._name(key), array)

    @staticmethod
    def _name(key: tuple[object, ...]) -> str:
        return hashlib.sha256(repr(key).encode()).hexdigest()[:32] + ".npy"


def digest(*arrays: np.ndarray[Any, Any] | None) -> str:
    """Return a digest of the content of arrays."""
    parts = (b"" if array is None else np.ascontiguousarray(array).tobytes() for array in arrays)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
