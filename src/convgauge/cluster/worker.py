"""Functions that run on a worker: `worker_info` describes it, and `execute` runs a request and returns its run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convgauge import __version__, environment
from convgauge.cluster import linked_process
from convgauge.request import Request

RUN = "run.jsonl"
MAX_RETURNED_CHARACTERS = 4000  # characters at the end of what a part printed that are sent back
NEEDED_POLL_S = 1.0  # seconds between checks that the result is still needed
GRACE_S = 10.0  # seconds that a cancelled part has to end its children


@dataclass(frozen=True)
class WorkerInfo:
    """Version of the suite on a worker, versions of its libraries, and its machine."""

    suite: str
    versions: tuple[tuple[str, str], ...]
    machine: environment.Machine


@dataclass(frozen=True)
class Attachment:
    """File that a request needs: the field of the request that names it, the file's name, and its content."""

    field: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Outcome:
    """Exit status of a request, the run that it wrote, and the end of what it printed."""

    status: int
    run: bytes
    printed: str


def worker_info() -> WorkerInfo:
    """Describe this worker."""
    return WorkerInfo(__version__, tuple(sorted(environment.versions().items())), environment.machine())


def execute(command: linked_process.Command, request: bytes, attachments: Sequence[Attachment], folder: str) -> Outcome:
    """Run the JSON of a request in ``folder``, or in a temporary folder if this machine does not have it.

    The attachments are written to a temporary folder, and the request's fields then name them.
    """
    with tempfile.TemporaryDirectory(prefix="convgauge-") as temporary:
        part = Path(temporary)
        path = part / "request.json"
        path.write_bytes(linked_process.encode(_localized(linked_process.decode(command, request), attachments, part)))
        words = [sys.executable, "-m", linked_process.__name__, command, str(path)]
        with (part / "printed").open("w+b") as output:
            status = _run(words, folder if os.path.isdir(folder) else temporary, output.fileno())
            output.seek(0)
            printed = output.read().decode(errors="replace")[-MAX_RETURNED_CHARACTERS:]
        run = part / RUN
        return Outcome(status, run.read_bytes() if run.exists() else b"", printed.replace(temporary + os.sep, ""))


def _localized(request: Request, attachments: Sequence[Attachment], folder: Path) -> Request:
    """Write the attachments and return the request that names them and writes its run to ``folder``."""
    paths: dict[str, Any] = {"output": str(folder / RUN)}
    for attachment in attachments:
        path = folder / attachment.name
        path.write_bytes(attachment.content)
        paths[attachment.field] = str(path)
    return replace(request, **paths)


def _run(words: Sequence[str], folder: str, output: int) -> int:
    """Return the exit status of a process, which is ended when its result is no longer needed."""
    is_needed = _need()
    process = subprocess.Popen(
        words, cwd=folder, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
    )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(NEEDED_POLL_S)
            if not is_needed():
                _end(process)
    finally:
        _end(process)
        assert process.stdin is not None
        process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _need() -> Callable[[], bool]:
    """Return a function that is true while this thread's Dask task is needed; Dask cannot end a thread."""
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:
        return lambda: True  # not a thread of a worker: a test
    key = worker.active_threads.get(threading.get_ident())

    def is_needed() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    return is_needed
