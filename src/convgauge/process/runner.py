"""Interface of a subject, wherever it runs, and the limits that it runs under."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from convgauge.worker.call import Call, Description, Observation

Token = TypeVar("Token")


@dataclass
class Limits:
    """Limits of a worker process.

    Parameters
    ----------
    timeout_s : float
        Seconds for one call.
    memory_bytes : int
        Bytes of address space; 0 for no limit.
    threads : int
        Threads of the numerical libraries.
    """

    timeout_s: float = 20.0
    memory_bytes: int = 0
    threads: int = 1


class Runner(Protocol):
    """A subject: an implementation that can be called and observed."""

    @property
    def description(self) -> Description:
        """Description of the implementation, once it is loaded."""
        ...

    def stream(self, calls: Iterable[tuple[Token, Call]]) -> Iterator[tuple[Token, Observation]]:
        """Make the calls in their order and yield the token of each with its observation."""
        ...

    def observe(self, call: Call) -> Observation:
        """Make one call."""
        ...

    def second(self) -> Runner:
        """Return a subject that has not made the calls of this one, if it can be in a process of its own.

        Raises `LoadError` or `Cancelled`.
        """
        ...

    def can_fork(self) -> bool:
        """Return True if `fresh` takes milliseconds. Raises `LoadError` or `Cancelled`."""
        ...

    def fresh(self) -> AbstractContextManager[Runner]:
        """Return a context with a subject that has answered no call, if it can be in a process of its own.

        Raises `LoadError` or `Cancelled`.
        """
        ...

    def new_process(self) -> AbstractContextManager[Runner | None]:
        """Return a context with a subject in a process that is started now; None if there are no processes.

        Raises `LoadError` or `Cancelled`.
        """
        ...

    def fork(self) -> bool:
        """Let a fork of the process make all further calls. Return False if it need not work in a fork.

        Raises `Cancelled`.
        """
        ...

    def end(self) -> None:
        """End the process as a program ends, with what is registered for its exit. Raises `Cancelled`."""
        ...

    def wait_ready(self) -> None:
        """Wait until the implementation is loaded. Raises `LoadError`."""
        ...

    def cancel(self) -> None:
        """Let calls raise `Cancelled`. Another thread may call this method."""
        ...

    def close(self) -> None:
        """End the process, if there is one."""
        ...
