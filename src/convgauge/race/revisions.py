"""The baseline of ``bench --against``: the same function at a git revision, or another target.

A revision is written to a temporary folder through an index of its own (git-read-tree(1), git-checkout-index(1)), so
that nothing of it is registered in the repository and nothing is left in it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from convgauge.layers import BenchError
from convgauge.registry import Origin, resolve_all

GIT_TIMEOUT_S = 120.0

_TARGET = re.compile(r"[^@{]+:[^:{}]+|.*\.py")
"""Words that name a target and no revision: path/file.py:function, or a file whose function was forgotten."""

SUBMODULE_MODE = "160000"


@contextlib.contextmanager
def baseline_of(origin: Origin, against: str, framework: str) -> Iterator[Origin]:
    """Yield the origin of the baseline; the files of a revision exist until the end of the context.

    Parameters
    ----------
    origin : Origin
        The target of the race.
    against : str
        A git revision of the target's repository, or another target.
    framework : str
        Framework of a target that declares none.

    Raises
    ------
    BenchError
        If there is no such revision, or if the target does not exist in it.
    TargetError
        If there is no such target.
    """
    if _TARGET.fullmatch(against):
        other = only_target(resolve_all((against,), framework), against)
        yield other if other.name != origin.name else other.renamed(f"{other.name} (before)")
        return
    if origin.kind != "file":
        raise BenchError(
            f"--against {against}: the target {origin} is a module; a revision needs a file of a git repository,"
            " path/kernel.py:function"
        )
    path = Path(origin.location).resolve()
    repository = Repository.of(path)
    commit = repository.commit(against)
    inside = path.relative_to(repository.root)
    with tempfile.TemporaryDirectory(prefix="convgauge-revision-") as folder:
        repository.write(commit, Path(folder))
        if not (Path(folder) / inside).is_file():
            raise BenchError(f"--against {against}: {inside} does not exist in {commit[:12]}")
        earlier = replace(origin, location=str(Path(folder) / inside), declaration=None)
        yield earlier.renamed(f"{origin.name}@{against}")


@dataclass(frozen=True)
class Repository:
    """A git repository, by the root of its working tree."""

    root: Path

    @classmethod
    def of(cls, path: Path) -> Repository:
        """Return the repository that contains a file. Raises `BenchError`."""
        if shutil.which("git") is None:
            raise BenchError("--against: git is not installed, which a revision needs")
        try:
            return cls(Path(cls(path.parent)._git("rev-parse", "--show-toplevel").strip()))
        except BenchError:
            raise BenchError(f"--against: {path} is in no git repository, which a revision needs") from None

    def commit(self, revision: str) -> str:
        """Return the id of a revision's commit. Raises `BenchError` if there is none."""
        try:
            return self._git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
        except BenchError:
            raise BenchError(
                f"--against {revision}: no such revision in {self.root}, and no target path/file.py:function"
            ) from None

    def write(self, commit: str, folder: Path) -> None:
        """Write the files of a commit to a folder, those of its submodules included. Raises `BenchError`."""
        with tempfile.TemporaryDirectory(prefix="convgauge-index-") as temporary:
            index = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
            self._git("read-tree", commit, variables=index)
            self._git("checkout-index", "--all", f"--prefix={folder}/", variables=index)
        for entry in self._git("ls-tree", "-r", "-z", commit).split("\0"):
            mode, _, name = entry.partition("\t")
            if mode.startswith(SUBMODULE_MODE):
                self._write_submodule(name, mode.split()[2], folder)

    def _write_submodule(self, name: str, commit: str, folder: Path) -> None:
        submodule = Repository(self.root / name)
        try:
            if not (submodule.root / ".git").exists():
                raise BenchError("it is not checked out")
            submodule.write(submodule._git("rev-parse", "--verify", f"{commit}^{{commit}}").strip(), folder / name)
        except BenchError:
            raise BenchError(
                f"--against: commit {commit[:12]} of the submodule {name} is not here; run git submodule update --init"
                f" {name}, or name the other version by its path: --against path/file.py:function"
            ) from None

    def _git(self, *arguments: str, variables: dict[str, str] | None = None) -> str:
        """Return the output of a git command in the working tree. Raises `BenchError` with its message."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        try:
            done = subprocess.run(
                ["git", "-C", str(self.root), *arguments],
                capture_output=True,
                text=True,
                timeout=GIT_TIMEOUT_S,
                env={**environment, **(variables or {})},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BenchError(f"git {arguments[0]}: {error}") from None
        if done.returncode:
            raise BenchError(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def only_target(origins: list[Origin], against: str) -> Origin:
    """Return the only origin on one side of ``--against``. Raises `BenchError`."""
    if len(origins) != 1:
        raise BenchError(f"--against {against}: one target on each side is needed, not {len(origins)}")
    return origins[0]
