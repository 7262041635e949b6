"""What runs on a worker: its facts, and a command line whose run is sent back."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from convgauge import __version__, environment

FOLDER = "{folder}"
"""Stands in a command's words for the folder that it is run with, where its files lie and its run is to be left."""

RUN = "run.jsonl"
TOLD = 4000  # characters of what a command printed that are sent back
LOOKING = 1.0  # seconds between looks at whether anybody still wants the answer
GRACE = 10.0  # seconds that an unwanted command has to end its children


@dataclass(frozen=True)
class Facts:
    """What a worker is: the suite's version there, its libraries', its machine."""

    suite: str
    versions: tuple[tuple[str, str], ...]
    machine: environment.Machine


@dataclass(frozen=True)
class Outcome:
    """What came of a command: its exit status, the run that it left, the end of what it printed."""

    status: int
    run: bytes
    told: str


def facts() -> Facts:
    """The facts of this worker."""
    return Facts(__version__, tuple(sorted(environment.versions().items())), environment.machine())


def execute(words: Sequence[str], files: Mapping[str, bytes], folder: str) -> Outcome:
    """Run ``convgauge WORDS`` in ``folder``, where this machine has that, with ``files`` by name in `FOLDER`."""
    with tempfile.TemporaryDirectory(prefix="convgauge-") as own:
        for name, content in files.items():
            Path(own, name).write_bytes(content)
        command = [
            sys.executable,
            "-m",
            "convgauge.cluster.linked_process",
            *(word.replace(FOLDER, own) for word in words),
        ]
        with Path(own, "printed").open("w+b") as printed:
            status = _run(command, folder if os.path.isdir(folder) else own, printed.fileno())
            printed.seek(0)
            told = printed.read().decode(errors="replace")[-TOLD:]
        run = Path(own, RUN)
        return Outcome(status, run.read_bytes() if run.exists() else b"", told.replace(own + os.sep, ""))


def _run(command: Sequence[str], folder: str, output: int) -> int:
    """The exit status of a command, which is ended when its answer is no longer wanted."""
    wanted = _wanted()
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
    )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(LOOKING)
            if not wanted():
                _end(process)
    finally:
        _end(process)
        assert process.stdin is not None
        process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wanted() -> Callable[[], bool]:
    """A function that tells whether the task that this thread runs is still wanted; Dask cannot end a thread."""
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:
        return lambda: True  # no worker's thread: a test
    key = worker.active_threads.get(threading.get_ident())

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    return wanted
