"""Driver: judges tasks, several at once in threads.

A spec makes thousands of short waits for a subject's process, so that a core is idle with one thread. With two threads,
one judges while the subject of the other is at work. Tasks begin in the run's order and their outcomes are asked for in
that order, so a run has the same records for every number of threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from convgauge.conformance.judge import Judge, NotApplicable
from convgauge.conformance.selection import Task


@dataclass(frozen=True)
class Judged:
    """A task that has been judged.

    Attributes
    ----------
    judge : Judge
        Judge of the task.
    seconds : float
        Seconds that it took.
    skipped : str
        Reason why the spec does not apply, or "".
    error : Exception or None
        Exception that the spec raised after it had found a fault, which stands.
    """

    judge: Judge
    seconds: float
    skipped: str = ""
    error: Exception | None = None


class Driver:
    """Judging of tasks in ``jobs`` threads, or in the calling thread if ``jobs`` is 1.

    Parameters
    ----------
    make_judge
        Function that returns the judge of a task. It is called in the thread that judges.
    jobs
        Number of threads. A single job is judged when its outcome is asked for.
    """

    def __init__(self, make_judge: Callable[[Task], Judge], jobs: int) -> None:
        self._make_judge, self.jobs = make_judge, jobs
        self._executor: ThreadPoolExecutor | None = None
        self._futures: dict[Task, Future[Judged]] = {}

    def start(self, tasks: Iterable[Task]) -> None:
        """Begin to judge tasks, if they are judged in threads."""
        if self.jobs > 1:
            self._executor = ThreadPoolExecutor(self.jobs, "judge")
            self._futures = {task: self._executor.submit(self._judge, task) for task in tasks}

    def result(self, task: Task) -> Judged:
        """Return the outcome of a task, once it is known. Raises what making the judge or the spec raised."""
        future = self._futures.pop(task, None)
        return self._judge(task) if future is None else future.result()

    def _judge(self, task: Task) -> Judged:
        judge = self._make_judge(task)
        started = time.perf_counter()
        skipped, defect = "", None
        try:
            task.test(judge)
        except NotApplicable as reason:
            skipped = str(reason)
        except Exception as error:
            if not judge.tally.faults:
                raise
            defect = error
        return Judged(judge, time.perf_counter() - started, skipped, defect)

    def finished(self) -> list[Judged]:
        """Return the outcomes that are known and have not been asked for, in the order of tasks."""
        return [
            future.result()
            for future in self._futures.values()
            if future.done() and not future.cancelled() and future.exception() is None
        ]

    def stop(self) -> None:
        """Begin no more tasks. Those in progress end when their subjects are cancelled."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Wait until every thread has ended."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
