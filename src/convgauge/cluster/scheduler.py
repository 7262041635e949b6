"""Handing parts of a run out to workers, each part to one worker at a time, and taking them back from those that end.

Dask carries the calls and notices which workers are gone. Which part goes where is decided here, since a race must have
a worker to itself and a part must be done again as often as its workers are lost, whatever Dask's limit on that is.
"""

from __future__ import annotations

import os
import queue
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from convgauge import __version__
from convgauge.cluster import ClusterError
from convgauge.cluster.worker import Facts, Outcome, execute, facts

CONNECTING = 10.0  # seconds for a scheduler to answer
LOOKING = 0.5  # seconds between looks at which workers are there, while nothing comes back
ANSWERING = 5.0  # seconds for a result to be fetched before its worker is looked for
NOBODY = 60.0  # seconds without any worker after which the rest is given up: a restart takes less
MOST_LOST = 5  # workers that one part may be lost with; it is then taken for what ends them


@dataclass(frozen=True)
class Task:
    """A part of a run: a command line (see `convgauge.cluster.worker.execute`) that is never split.

    ``cost`` is what it is expected to take, in seconds. ``fit`` says which workers may do it.
    """

    name: str
    words: tuple[str, ...]
    cost: float
    files: Mapping[str, bytes] = field(default_factory=dict)
    fit: Callable[[Facts], bool] = lambda _: True


@dataclass(frozen=True)
class Done:
    """A part that is done, and by which worker."""

    task: Task
    worker: str
    outcome: Outcome


class Farm:
    """The workers of the scheduler at ``address``. Raises `ClusterError` where none answers."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError:
            raise ClusterError(
                "a cluster needs Dask: python -m pip install 'convgauge[dask]', here and on every worker"
            ) from None
        self.address = address
        try:
            self.client = distributed.Client(address, timeout=CONNECTING, set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            raise ClusterError(
                f"no scheduler answers at {address} ({error or type(error).__name__}): start one with `dask scheduler`,"
                f" and workers with `dask worker {address}`"
            ) from None
        self.known: dict[str, Facts] = {}
        self.unfit: dict[str, str] = {}
        self.lost: list[tuple[str, str]] = []  # (part, worker) of what was done again

    def __enter__(self) -> Farm:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def workers(self) -> dict[str, Facts]:
        """The facts of every worker that is there and has this version of the suite. Raises `ClusterError` for none."""
        self._look()
        if not self.known:
            told = "; ".join(f"{address} {why}" for address, why in self.unfit.items())
            raise ClusterError(
                f"the scheduler at {self.address} has no worker for this" + (f": {told}" if told else "")
                + f"; start one with `dask worker {self.address}`"
            )  # fmt: skip
        return dict(self.known)

    def threads(self) -> int:
        """How many parts the workers can do at once."""
        return sum(number for address, number in self._look().items() if address in self.known)

    def _look(self) -> dict[str, int]:
        """The workers that are there, with their threads; a new one is asked for its facts."""
        there: dict[str, int] = self.client.nthreads()
        new = [address for address in there if address not in self.known and address not in self.unfit]
        if new:
            for address, said in self.client.run(facts, workers=new, on_error="return").items():
                if isinstance(said, Facts) and said.suite == __version__:
                    self.known[address] = said
                else:
                    has = f"has convgauge {said.suite}" if isinstance(said, Facts) else f"has no convgauge ({said})"
                    self.unfit[address] = f"{has}, not {__version__}"
        for address in [address for address in self.known if address not in there]:
            del self.known[address]
        return {address: number for address, number in there.items() if address in self.known}

    def work(self, tasks: Sequence[Task], alone: bool = False) -> Iterator[Done]:
        """Do all tasks, the costliest first, and yield each as it is done, once.

        ``alone``: one at a time on each worker; else as many as it has threads. Raises `ClusterError` where a task is
        lost too often or no worker is left that fits.
        """
        shift = _Shift(self, tasks, alone)
        try:
            yield from shift.work()
        finally:
            shift.stop()


class _Shift:
    """One call of `Farm.work`: what waits, and what is where."""

    def __init__(self, farm: Farm, tasks: Sequence[Task], alone: bool) -> None:
        self.farm, self.alone = farm, alone
        self.waiting = sorted(tasks, key=lambda task: -task.cost)
        self.busy: dict[Any, tuple[Task, str]] = {}  # by future
        self.ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.losses: Counter[str] = Counter()
        self.run = uuid.uuid4().hex[:8]
        self.handed = 0
        self.hopeful = time.monotonic()  # when a task was last under way

    def work(self) -> Iterator[Done]:
        while self.waiting or self.busy:
            there = self.farm._look()
            for future, (_, worker) in list(self.busy.items()):
                if worker not in there:
                    self._lose(future)
            self._hand_out(there)
            try:
                future = self.ended.get(timeout=LOOKING)
            except queue.Empty:
                continue
            while future is not None:
                done = self._taken(future) if future in self.busy else None
                if done is not None:
                    yield done
                future = None if self.ended.empty() else self.ended.get()

    def _hand_out(self, there: Mapping[str, int]) -> None:
        """Give every worker that has room the costliest task that it is fit for."""
        taken = Counter(worker for _, worker in self.busy.values())
        for worker, threads in there.items():
            for _ in range((1 if self.alone else threads) - taken[worker]):
                fit = (place for place, task in enumerate(self.waiting) if task.fit(self.farm.known[worker]))
                place = next(fit, None)
                if place is None:
                    break
                self._submit(self.waiting.pop(place), worker)
        if self.busy or not self.waiting:
            self.hopeful = time.monotonic()
        elif time.monotonic() - self.hopeful > NOBODY:
            raise ClusterError(f"no worker is left for {', '.join(task.name for task in self.waiting[:3])}, …", 3)

    def _submit(self, task: Task, worker: str) -> None:
        self.handed += 1
        future = self.farm.client.submit(
            execute, task.words, dict(task.files), os.getcwd(), key=f"convgauge-{self.run}-{self.handed}",
            workers=[worker], allow_other_workers=False, pure=False,
        )  # fmt: skip
        self.busy[future] = (task, worker)
        future.add_done_callback(self.ended.put)

    def _taken(self, future: Any) -> Done | None:
        """A future's result; None where its worker went before it was fetched, and its task waits again."""
        from distributed import CancelledError, KilledWorker

        task, worker = self.busy[future]
        while True:
            gone = False
            try:
                outcome = future.result(timeout=ANSWERING)
            except TimeoutError:
                gone = worker not in self.farm._look()
                if not gone:
                    continue
            except (CancelledError, KilledWorker):
                gone = True
            except Exception as error:
                gone = worker not in self.farm._look()
                if not gone:
                    raise ClusterError(f"{worker} could not run {task.name}: {error!r}", 3) from None
            if gone:
                self._lose(future)
                return None
            del self.busy[future]
            return Done(task, worker, outcome)

    def _lose(self, future: Any) -> None:
        """Take a task back from a worker that is gone."""
        task, worker = self.busy.pop(future)
        future.cancel()
        self.losses[task.name] += 1
        self.farm.lost.append((task.name, worker))
        if self.losses[task.name] >= MOST_LOST:
            raise ClusterError(f"{task.name} was lost with {MOST_LOST} workers, the last of them {worker}", 3)
        self.waiting.insert(0, task)

    def stop(self) -> None:
        """Let go of what is under way; its workers end it."""
        for future in self.busy:
            future.cancel()
