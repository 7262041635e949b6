"""Lives of one contestant: processes in which it is timed one after the other, none of which affects another.

Two processes of one kernel differ in speed for as long as they live: they have other physical pages, their compiled
code and scratch memory lie elsewhere. More rounds in the same two processes do not reduce the difference, more
processes do (Kalibera and Jones 2013, *Rigorous benchmarking in reasonable time*; Georges, Buytaert and Eeckhout 2007).
"""

from __future__ import annotations

from collections.abc import Callable

from convgauge.process.connection import Connection
from convgauge.process.failures import ProcessFailure
from convgauge.worker.call import Description

MIN_LIVES = 4
"""Lives of a contestant whose ratio is measured within the budget, and processes of one that is not forked."""


class Lives:
    """Lives of one contestant.

    A life is a fork of a process that has imported the implementation and has called nothing: it takes milliseconds,
    and what a call compiles or allocates is new in it. A process that cannot be forked, because an import has started
    threads, or that should not be, because a first call compiles for long, is one life itself; then the contestant has
    `MIN_LIVES` processes, which take turns.

    Parameters
    ----------
    start : callable
        Starts a process, without waiting for it.
    """

    def __init__(self, start: Callable[[], Connection]) -> None:
        self._start = start
        self._connections = [start()]
        self._current = 0
        self._has_forked = False
        self.are_lasting = False

    @property
    def connection(self) -> Connection:
        """Connection with the process of the current life."""
        return self._connections[self._current]

    @property
    def description(self) -> Description:
        """Description of the implementation, once the first process is ready."""
        return self._connections[0].description

    def wait_ready(self) -> None:
        """Wait for the first process. Raises `LoadError`."""
        self._connections[0].wait_ready()

    def begin(self, number: int) -> None:
        """Begin the life with this number of a race.

        Raises
        ------
        LoadError
            If a process cannot be started.
        """
        if not self.are_lasting:
            self._has_forked = self._fork()
            if self._has_forked:
                return
            self.make_lasting()
        self._current = number % len(self._connections)
        self.connection.wait_ready()

    @property
    def is_forked(self) -> bool:
        """True if the current life is a fork."""
        return self._has_forked and not self.are_lasting

    def _fork(self) -> bool:
        """Return False if the process cannot be forked, or if it ends or hangs in the attempt."""
        try:
            return self.connection.fork()
        except ProcessFailure:
            return False

    def make_lasting(self) -> None:
        """Let processes be the lives of all later races, a fork that runs now among them, and start the others."""
        if not self.are_lasting:
            self.are_lasting = True
            self._connections += [self._start() for _ in range(MIN_LIVES - 1)]

    def end(self) -> None:
        """End the current life, if it is a fork."""
        connection = self.connection
        if self.is_forked:
            self._has_forked = False
            if not connection.end_fork(connection.pid):
                connection.close()  # the next life starts the process again

    def close(self) -> None:
        """End all processes."""
        for connection in self._connections:
            connection.close()
