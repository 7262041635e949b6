"""Several specs at once: threads that each judge one spec after the other on a subject of their own.

A spec is some thousand short waits for a subject's process, so that one thread leaves a core idle; with two, one
judges while the other's subject is at work. Specs are begun in the run's order, and what became of each is handed over
in that order, so that a run says the same whatever the number of threads.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from convgauge.conformance.judge import Judge, NotApplicable
from convgauge.process.isolation import Halted

Key = Hashable
Task = tuple[Key, Callable[[], Judge], Callable[[Judge], object]]
"""What a result is asked for by, how to make the judge of a spec, and the spec's test."""


@dataclass
class Done:
    """One spec judged: its judge, the seconds it took, and why it does not apply, if it does not."""

    judge: Judge
    seconds: float
    skipped: str = ""


def perform(made: Judge, test: Callable[[Judge], object]) -> Done:
    """Run one spec's test. Raises what the test raises, but for its word that it does not apply."""
    started = time.perf_counter()
    skipped = ""
    try:
        test(made)
    except NotApplicable as why:
        skipped = str(why)
    return Done(made, time.perf_counter() - started, skipped)


class Crew:
    """``jobs`` threads that work through ``tasks``; ``leave`` is called in each when it has no more to do."""

    def __init__(self, tasks: Iterable[Task], jobs: int, leave: Callable[[], None]) -> None:
        self._tasks = deque(tasks)
        self._results: dict[Key, Future[Done]] = {key: Future() for key, _, _ in self._tasks}
        self._leave = leave
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(jobs)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        try:
            while self._tasks:
                try:
                    key, make, test = self._tasks.popleft()
                except IndexError:  # another thread has taken the last one
                    return
                result = self._results[key]
                try:
                    result.set_result(perform(make(), test))
                except Halted:
                    return
                except BaseException as error:  # is raised again where the result is asked for
                    result.set_exception(error)
        finally:
            self._leave()

    def result(self, key: Key) -> Done:
        """What became of a spec, once it is known. Raises what judging it raised."""
        return self._results.pop(key).result()

    def finished(self) -> list[Any]:
        """What became of the specs that are done and have not been asked for, in the run's order."""
        return [one.result() for one in self._results.values() if one.done() and one.exception() is None]

    def stop(self) -> None:
        """Begin no more specs. Those under way end when their subjects are halted."""
        self._tasks.clear()

    def join(self) -> None:
        """Wait until every thread has left."""
        for thread in self._threads:
            thread.join()
