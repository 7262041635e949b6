"""Pool of subjects: each thread has one of its own, and idle ones wait for the next thread that needs them."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from convgauge.process.by_width import start_subject
from convgauge.process.failures import Cancelled, FailureBudget
from convgauge.process.runner import Limits, Runner
from convgauge.registry import Origin


class _ThreadSubject(threading.local):
    """Subject of the calling thread, and the name of its implementation; "" if the thread has none."""

    name: str = ""
    runner: Runner


class SubjectPool:
    """Subjects of the implementations of a run.

    A thread keeps its subject until it asks for another implementation: a process starts for each thread and
    implementation, not for each spec. All subjects of an implementation share one failure budget.

    A process ends with the thread that started it (Linux; see `convgauge.worker.server`). So subjects return to the
    pool in the thread that opens the run, and are released in the others.

    Parameters
    ----------
    origins
        The implementations.
    limits
        Limits of a call.
    is_isolated
        True to call implementations in child processes.
    python
        Python of the child processes; the one of this process if empty.
    seed
        Seed of the random generators that a subject perturbs.
    refusals
        Names of further exception classes that are refusals.
    """

    def __init__(
        self,
        origins: Iterable[Origin],
        limits: Limits,
        *,
        is_isolated: bool = True,
        python: str = "",
        seed: int = 0,
        refusals: tuple[str, ...] = (),
    ) -> None:
        self._origins = {origin.name: origin for origin in origins}
        self._limits = limits
        self._is_isolated, self._python, self._seed = is_isolated, python or sys.executable, seed
        self._refusals = refusals
        self._budgets = {name: FailureBudget() for name in self._origins}
        self._current = _ThreadSubject()
        self._runners: list[Runner] = []  # of all threads
        self._idle: deque[tuple[str, Runner]] = deque()
        self._is_cancelled = False

    def prestart(self, name: str, count: int) -> None:
        """Start idle subjects without waiting until they are ready: importing a framework takes seconds."""
        self._idle.extend((name, self._start(name)) for _ in range(count))

    def subject(self, name: str) -> Runner:
        """Return this thread's subject, which is ready to be called; a subject of another implementation is released.

        Raises
        ------
        LoadError
            If the implementation cannot be loaded.
        """
        if self._current.name != name:
            self.release()
            runner = self._take_idle(name) or self._start(name)
            runner.wait_ready()
            self._current.name, self._current.runner = name, runner
        return self._current.runner

    def _start(self, name: str) -> Runner:
        runner = start_subject(
            self._origins[name],
            self._limits,
            isolated=self._is_isolated,
            python=self._python,
            seed=self._seed,
            budget=self._budgets[name],
            refusals=self._refusals,
        )
        self._runners.append(runner)
        if self._is_cancelled:  # checked after the runner is in the list, so that `cancel` or this sees the other
            raise Cancelled
        return runner

    def _take_idle(self, name: str) -> Runner | None:
        """Return an idle subject of an implementation, or None; one of another implementation is ended."""
        try:
            idle_name, runner = self._idle.popleft()
        except IndexError:
            return None
        if idle_name == name:
            return runner
        self._end(runner)
        return None

    def _end(self, runner: Runner) -> None:
        self._runners.remove(runner)
        runner.close()

    @contextmanager
    def fresh(self, name: str) -> Iterator[Runner]:
        """Start a subject that no other call has used, and end it afterwards.

        Raises
        ------
        LoadError
            If the implementation cannot be loaded.
        """
        runner = self._start(name)
        try:
            runner.wait_ready()
            yield runner
        finally:
            self._end(runner)

    def return_to_pool(self) -> None:
        """Make this thread's subject idle."""
        if self._current.name:
            self._idle.append((self._current.name, self._current.runner))
            self._current.name = ""

    def release(self) -> None:
        """End this thread's subject, if it has one."""
        if self._current.name:
            self._end(self._current.runner)
            self._current.name = ""

    def failures(self, name: str) -> int:
        """Return the number of processes of an implementation that failed."""
        return self._budgets[name].failures

    def cancel(self) -> None:
        """Make the calls of all threads, and those to come, end in `Cancelled`."""
        self._is_cancelled = True
        for runner in list(self._runners):
            runner.cancel()

    def close(self) -> None:
        """End all subjects. No other thread may use one."""
        self._current.name = ""
        self._idle.clear()
        while self._runners:
            self._runners.pop().close()
