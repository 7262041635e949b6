"""A subject in this process, for debuggers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from convgauge.process.runner import Runner, Token
from convgauge.registry import Origin, load
from convgauge.worker.call import Call, Observation
from convgauge.worker.subject import Subject


class InProcessSubject:
    """A `Runner` without a process of its own: nothing limits it and a crash ends the run."""

    def __init__(self, origin: Origin, refusals: tuple[str, ...] = ()) -> None:
        self._subject = Subject(load(origin), origin, refusals)
        self.description = self._subject.describe()

    def stream(self, calls: Iterable[tuple[Token, Call]]) -> Iterator[tuple[Token, Observation]]:
        """Make the calls in their order and yield the token of each with its observation."""
        for token, call in calls:
            yield token, self.observe(call)

    def observe(self, call: Call) -> Observation:
        """Make one call."""
        return self._subject.observe(call)

    def second(self) -> Runner:
        """Return this subject: there is no other process."""
        return self

    def can_fork(self) -> bool:
        """Return False: there is no other process."""
        return False

    def fresh(self) -> AbstractContextManager[Runner]:
        """Return a context with this subject: there is no other process."""
        return nullcontext(self)

    def new_process(self) -> AbstractContextManager[Runner | None]:
        """Return a context with None: there is no other process."""
        return nullcontext(None)

    def fork(self) -> bool:
        """Return False: this process is not forked."""
        return False

    def end(self) -> None:
        """Do nothing: there is no process to end."""

    def wait_ready(self) -> None:
        """Return at once: the implementation is loaded."""

    def cancel(self) -> None:
        """Do nothing: a call in this process cannot be ended."""

    def close(self) -> None:
        """Do nothing: there is no process to end."""
