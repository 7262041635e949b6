"""Measurements of this machine, kept on disk: a cost model, and the choice for each problem.

There is one JSON file per machine, set of library versions and thread count, in the user's cache folder. A file that is
damaged, or that has another key, counts as empty. Writers replace the whole file, one at a time, so that readers need
no lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import filelock
import msgspec
import platformdirs

from convgauge.auto.cost_model import Model
from convgauge.bundled import bundled
from convgauge.environment import cores, dependency_versions, processor

CACHE_FOLDER_VARIABLE = "CONVGAUGE_CACHE_DIR"
"""Environment variable: the folder of the files, instead of the user's cache folder."""

LOCK_TIMEOUT_S = 10.0
"""Seconds to wait for another writer, which holds the lock for milliseconds, before the disk is not used."""


class Choice(msgspec.Struct, frozen=True):
    """Implementation chosen for one problem, and the measured and predicted seconds of one call by implementation."""

    chosen: str
    measured: dict[str, float] = {}
    predicted: dict[str, float] = {}


class Tuning(msgspec.Struct):
    """Content of a file; ``key`` identifies the machine, and ``choices`` are by the problem's text."""

    key: dict[str, str]
    model: Model | None = None
    choices: dict[str, Choice] = {}


class TuningCache:
    """File of the tuning for one key.

    Parameters
    ----------
    key : dict
        Properties of the machine and of the software on which times depend.
    folder : Path or None
        Folder of the file; None for that of the environment variable, or the user's cache folder.
    """

    def __init__(self, key: dict[str, str], folder: Path | None = None) -> None:
        self.key = key
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        self.path = (folder or cache_folder()) / f"costs-{digest}.json"

    @classmethod
    def for_threads(cls, threads: int) -> TuningCache:
        """Return the cache of this machine and these versions for a number of threads."""
        return cls(machine_key(threads))

    def read(self) -> Tuning:
        """Return the content; it is empty if there is no file, or if the file is damaged or has another key."""
        try:
            tuning = msgspec.json.decode(self.path.read_bytes(), type=Tuning)
        except (OSError, msgspec.MsgspecError):
            return Tuning(self.key)
        return tuning if tuning.key == self.key else Tuning(self.key)

    def update(self, change: Callable[[Tuning], None]) -> Tuning:
        """Read, change and replace the file.

        Writers take turns by a lock, so that none loses the changes of another. `os.replace` replaces the file.

        Parameters
        ----------
        change : callable
            Changes the content in place.

        Returns
        -------
        Tuning
            The changed content, also if the file cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self.path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S):
                tuning = self.read()
                change(tuning)
                self._replace(msgspec.json.encode(tuning))
                return tuning
        except (OSError, filelock.Timeout):  # a full or read-only disk, or a lock that is not released
            tuning = self.read()
            change(tuning)
            return tuning

    def _replace(self, content: bytes) -> None:
        descriptor, name = tempfile.mkstemp(prefix=self.path.stem, suffix=".new", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(name, self.path)
        except BaseException:
            os.unlink(name)
            raise


def cache_folder() -> Path:
    """Return the folder of the files."""
    return Path(os.environ.get(CACHE_FOLDER_VARIABLE) or platformdirs.user_cache_dir("convgauge", appauthor=False))


def machine_key(threads: int) -> dict[str, str]:
    """Return what times depend on: machine, versions of all libraries that convgauge can use, its code, threads."""
    return {"threads": str(threads), "engines": os.environ.get("OMP_NUM_THREADS", "all cores"), **_fixed_key()}


@cache
def _fixed_key() -> dict[str, str]:
    files = [*bundled("implementations").glob("*.py"), *Path(__file__).parent.glob("*.py")]
    return {
        "machine": platform.machine(),
        "processor": processor(),
        "cores": str(cores()),
        "code": code_digest(files),
        "python": platform.python_version(),
        **dependency_versions(),
    }


def code_digest(files: Iterable[Path]) -> str:
    """Return a digest of files: the implementations, and the code that measures them."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
