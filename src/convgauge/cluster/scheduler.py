"""Assignment of tasks to workers: each task to one worker at a time, and again to another one if its worker ends.

Dask carries the calls and notices which workers have ended. This module decides where a task runs, because a race needs
a worker of its own, and a task is repeated after each lost worker, whatever Dask's limit for that is.
"""

from __future__ import annotations

import os
import queue
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from convgauge import __version__, results
from convgauge.cluster import ClusterError
from convgauge.cluster.linked_process import encode
from convgauge.cluster.worker import RUN, Attachment, Outcome, WorkerInfo, execute, worker_info
from convgauge.request import CheckRequest, Request
from convgauge.results import Run
from convgauge.terms import ExitStatus
from convgauge.text import escape_controls

CONNECT_S = 10.0  # seconds for a scheduler to answer
WORKERS_POLL_S = 0.5  # seconds between looks at the list of workers, while no result arrives
FETCH_S = 5.0  # seconds for a result to be fetched before its worker is looked for
NO_WORKER_S = 60.0  # seconds without a suitable worker after which the rest is given up: a restart takes less
MAX_LOST = 5  # workers that one task may be lost with; the task is then considered the cause
BROKEN_OFF = ExitStatus.INTERNAL_ERROR
PRINTED_LINES = 8  # lines at the end of what a part printed that are shown if it left no run


@dataclass(frozen=True)
class WorkerTask:
    """Part of a run that is never split: a request, the files that it needs, and its expected cost in seconds."""

    name: str
    request: Request
    cost_s: float
    attachments: tuple[Attachment, ...] = ()
    is_suitable: Callable[[WorkerInfo], bool] = lambda _: True


@dataclass(frozen=True)
class CompletedTask:
    """Task that a worker has run, and its outcome."""

    task: WorkerTask
    worker: str
    outcome: Outcome

    def run(self) -> Run:
        """Return the run that the task wrote; its path is the task's name. Raises `ClusterError` if it is not whole."""
        with TemporaryDirectory() as folder:
            path = Path(folder, RUN)
            path.write_bytes(self.outcome.run)
            try:
                run = results.read(path)
            except results.DamagedFileError:
                run = None
        if run is None or run.footer is None:
            lines = [line for line in self.outcome.printed.splitlines() if line.strip()][-PRINTED_LINES:]
            reason = "\n".join(lines).removeprefix("ERROR: ")
            is_usage_error = self.outcome.status == ExitStatus.USAGE_ERROR
            status = ExitStatus.USAGE_ERROR if is_usage_error else BROKEN_OFF
            raise ClusterError(escape_controls(f"{self.worker}, {self.task.name}: {reason}"), status)
        run.path = self.task.name
        return run


class Scheduler:
    """The workers of the Dask scheduler at ``address``. Raises `ClusterError` if it does not answer."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError:
            raise ClusterError(
                "a cluster needs Dask: python -m pip install 'convgauge[dask]', here and on every worker"
            ) from None
        self.address = address
        try:
            self.client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            raise ClusterError(
                f"no scheduler answers at {address} ({error or type(error).__name__}): start one with `dask scheduler`,"
                f" and workers with `dask worker {address}`"
            ) from None
        self.known: dict[str, WorkerInfo] = {}
        self.unsuitable: dict[str, str] = {}
        self.lost: list[tuple[str, str]] = []  # (task, worker) of tasks that were run again

    def __enter__(self) -> Scheduler:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def workers(self) -> dict[str, WorkerInfo]:
        """Return the workers that are there and have this version of the suite. Raises `ClusterError` if none has."""
        self._refresh()
        if not self.known:
            reasons = "; ".join(f"{address} {reason}" for address, reason in self.unsuitable.items())
            raise ClusterError(
                f"the scheduler at {self.address} has no worker for this"
                + (f": {reasons}" if reasons else "")
                + f"; start one with `dask worker {self.address}`"
            )
        return dict(self.known)

    def threads(self) -> int:
        """Return the number of tasks that the workers can run at once."""
        return sum(self._refresh().values())

    def _refresh(self) -> dict[str, int]:
        """Update the known workers, and return the number of threads of each."""
        present: dict[str, int] = self.client.nthreads()
        new = [address for address in present if address not in self.known and address not in self.unsuitable]
        if new:
            for address, info in self.client.run(worker_info, workers=new, on_error="return").items():
                if isinstance(info, WorkerInfo) and info.suite == __version__:
                    self.known[address] = info
                else:
                    suite = f"convgauge {info.suite}" if isinstance(info, WorkerInfo) else f"no convgauge ({info})"
                    self.unsuitable[address] = f"has {suite}, not {__version__}"
        for address in [address for address in self.known if address not in present]:
            del self.known[address]
        return {address: threads for address, threads in present.items() if address in self.known}

    def run(self, tasks: Sequence[WorkerTask], *, one_per_worker: bool = False) -> Iterator[CompletedTask]:
        """Run all tasks, the most costly first, and yield each once, as it is completed.

        A worker runs ``one_per_worker`` at a time, or as many as it has threads. Raises `ClusterError` if a task is
        lost too often or no suitable worker is left.
        """
        assignment = _Assignment(self, tasks, one_per_worker)
        try:
            yield from assignment.run()
        finally:
            assignment.cancel()


class _Assignment:
    """State of one call of `Scheduler.run`: the waiting tasks, and the worker of each running one."""

    def __init__(self, scheduler: Scheduler, tasks: Sequence[WorkerTask], one_per_worker: bool) -> None:
        self.scheduler, self.one_per_worker = scheduler, one_per_worker
        self.waiting = sorted(tasks, key=lambda task: -task.cost_s)
        self.running: dict[Any, tuple[WorkerTask, str]] = {}  # by future
        self.completed: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.losses: Counter[str] = Counter()
        self.id = uuid.uuid4().hex[:8]
        self.submitted = 0
        self.active = time.monotonic()  # last moment at which a task was running

    def run(self) -> Iterator[CompletedTask]:
        while self.waiting or self.running:
            present = self.scheduler._refresh()
            for future, (_, worker) in list(self.running.items()):
                if worker not in present:
                    self._lose(future)
            self._submit_suitable(present)
            try:
                future = self.completed.get(timeout=WORKERS_POLL_S)
            except queue.Empty:
                continue
            while future is not None:
                completed = self._fetch(future) if future in self.running else None
                if completed is not None:
                    yield completed
                future = None if self.completed.empty() else self.completed.get()

    def _submit_suitable(self, present: Mapping[str, int]) -> None:
        """Give every worker with a free thread the most costly task that it is suitable for."""
        busy = Counter(worker for _, worker in self.running.values())
        for worker, threads in present.items():
            info = self.scheduler.known[worker]
            for _ in range((1 if self.one_per_worker else threads) - busy[worker]):
                suitable = (index for index, task in enumerate(self.waiting) if task.is_suitable(info))
                index = next(suitable, None)
                if index is None:
                    break
                self._submit(self.waiting.pop(index), worker)
        if self.running or not self.waiting:
            self.active = time.monotonic()
        elif time.monotonic() - self.active > NO_WORKER_S:
            raise ClusterError(
                f"no worker is left for {', '.join(task.name for task in self.waiting[:3])}, …", BROKEN_OFF
            )

    def _submit(self, task: WorkerTask, worker: str) -> None:
        self.submitted += 1
        command = "check" if isinstance(task.request, CheckRequest) else "bench"
        future = self.scheduler.client.submit(
            execute, command, encode(task.request), task.attachments, os.getcwd(),
            key=f"convgauge-{self.id}-{self.submitted}", workers=[worker], allow_other_workers=False, pure=False,
        )  # fmt: skip
        self.running[future] = (task, worker)
        future.add_done_callback(self.completed.put)

    def _fetch(self, future: Any) -> CompletedTask | None:  # noqa: ANN401  # Dask is not typed
        """Return a completed task, or None if its worker ended before; the task then waits again."""
        from distributed import CancelledError, KilledWorker

        task, worker = self.running[future]
        while True:
            try:
                outcome = future.result(timeout=FETCH_S)
            except TimeoutError:
                if worker in self.scheduler._refresh():
                    continue
                break
            except (CancelledError, KilledWorker):
                break
            except Exception as error:
                if worker in self.scheduler._refresh():
                    raise ClusterError(f"{worker} could not run {task.name}: {error!r}", BROKEN_OFF) from None
                break
            del self.running[future]
            return CompletedTask(task, worker, outcome)
        self._lose(future)
        return None

    def _lose(self, future: Any) -> None:  # noqa: ANN401  # Dask is not typed
        """Put a task back whose worker has ended. Raises `ClusterError` if it is lost too often."""
        task, worker = self.running.pop(future)
        future.cancel()
        self.losses[task.name] += 1
        self.scheduler.lost.append((task.name, worker))
        if self.losses[task.name] >= MAX_LOST:
            raise ClusterError(f"{task.name} was lost with {MAX_LOST} workers, the last of them {worker}", BROKEN_OFF)
        self.waiting.insert(0, task)

    def cancel(self) -> None:
        """Cancel the running tasks; their workers end them."""
        for future in self.running:
            future.cancel()
