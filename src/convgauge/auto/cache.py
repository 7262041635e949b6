"""What was measured on this machine, kept on disk: a cost model, and who won on each problem.

One JSON file for each machine, set of library versions and thread count, in the user's cache folder. A file that is
damaged, or of another key, counts as none. Writers replace the file whole, one at a time, so that readers need no lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import filelock
import msgspec
import platformdirs

from convgauge.auto.cost_model import Model
from convgauge.bundled import bundled
from convgauge.environment import cores, dependency_versions, processor

FOLDER = "CONVGAUGE_CACHE_DIR"
"""Environment variable: the folder to keep files in, instead of the user's cache folder."""

PATIENCE = 10.0
"""Seconds to wait for another writer, who holds the lock for milliseconds, before going on without the disk."""


class Choice(msgspec.Struct, frozen=True):
    """Who won on one problem, the seconds of a call that each contender took, and those that were predicted."""

    chosen: str
    measured: dict[str, float] = {}
    predicted: dict[str, float] = {}


class Wisdom(msgspec.Struct):
    """The content of a file; ``key`` says what it holds for, ``choices`` are by the problem's text."""

    key: dict[str, str]
    model: Model | None = None
    choices: dict[str, Choice] = {}


def key(threads: int) -> dict[str, str]:
    """What times depend on: the machine, the versions of all that convgauge can use, its own code, and threads."""
    return {"threads": str(threads), "engines": os.environ.get("OMP_NUM_THREADS", "all cores"), **_fixed()}


@cache
def _fixed() -> dict[str, str]:
    said = {"machine": platform.machine(), "processor": processor(), "cores": str(cores()), "code": _code()}
    return {**said, "python": platform.python_version(), **dependency_versions()}


def _code() -> str:
    """A digest of the implementations and of what measures them."""
    digest = hashlib.sha256()
    own = [Path(__file__).with_name(f"{name}.py") for name in ("cost_model", "tuner", "cache")]
    for path in [*sorted(bundled("implementations").glob("*.py")), *own]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def place(key: dict[str, str]) -> Path:
    """The file for what ``key`` says."""
    folder = os.environ.get(FOLDER) or platformdirs.user_cache_dir("convgauge", appauthor=False)
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return Path(folder) / f"costs-{digest}.json"


def read(path: Path, key: dict[str, str]) -> Wisdom:
    """What the file holds; nothing yet where there is no file, or it is damaged or of another key."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=Wisdom)
    except (OSError, msgspec.MsgspecError):
        return Wisdom(key)
    return kept if kept.key == key else Wisdom(key)


def update(path: Path, key: dict[str, str], change: Callable[[Wisdom], None]) -> Wisdom:
    """Read, change and replace the file; what it holds then. Where it cannot be written, it is changed for the caller.

    The lock makes writers take turns, so that none loses what another added; the file is replaced by `os.replace`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_suffix(".lock"), timeout=PATIENCE):
            kept = read(path, key)
            change(kept)
            _replace(path, msgspec.json.encode(kept))
            return kept
    except (OSError, filelock.Timeout):  # a full or read-only disk, or a lock that cannot be had
        kept = read(path, key)
        change(kept)
        return kept


def _replace(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=path.stem, suffix=".new", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
