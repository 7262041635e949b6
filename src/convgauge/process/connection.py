"""Connection with the worker process of one implementation. The process is replaced when it fails."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping

import psutil

from convgauge.process import first_call
from convgauge.process.child import Child
from convgauge.process.failures import Cancelled, FailureBudget, ProcessFailure
from convgauge.process.replies import InvalidReply, decode
from convgauge.process.runner import Limits
from convgauge.registry import LoadError, Origin
from convgauge.worker.call import Description
from convgauge.worker.messages import EndFork, EndProcess, Fork, Load, Loaded, LoadFailed, Observed, R, Refused
from convgauge.worker.protocol import Encoded, encode

LOAD_TIMEOUT_S = 120.0
"""Seconds to import an implementation and its framework."""

FILLED_MEMORY: Mapping[str, str] = {"MALLOC_PERTURB_": "165"}
"""Makes the C library of Linux fill memory that it hands out or takes back: memory that was not written shows."""


class CommandRefused(Exception):
    """The implementation raised an exception in a command; ``kind`` is "refused" or "raised"."""

    def __init__(self, reply: Refused) -> None:
        super().__init__(reply.message)
        self.kind = reply.kind


class Connection:
    """Commands to the worker process of an implementation, and its replies.

    The process is started at once, loads the implementation meanwhile, and is replaced at the first command after a
    failure. The thread that makes this object must outlive the process: Linux ends the one with the other
    (`convgauge.worker.server`).

    Parameters
    ----------
    origin : Origin
        The implementation.
    limits : Limits
        Its limits; `Connection` uses memory and threads.
    python : str
        Path of the interpreter.
    seed : int
        Seed of the global random generators.
    budget : FailureBudget
        Failures of all processes of the implementation; shared by the connections of several threads.
    environment : mapping
        Variables to set in addition.
    fixed : bool
        Give the process the addresses of every other such process.
    refusals : tuple of str
        Names of further exception classes that are refusals.

    Raises
    ------
    LoadError
        The interpreter cannot be started.
    """

    description: Description

    def __init__(
        self,
        origin: Origin,
        limits: Limits,
        python: str = sys.executable,
        seed: int = 0,
        budget: FailureBudget | None = None,
        environment: Mapping[str, str] = FILLED_MEMORY,
        fixed: bool = False,
        refusals: tuple[str, ...] = (),
    ) -> None:
        self.origin, self.limits, self.python, self.seed = origin, limits, python, seed
        self.refusals = refusals
        self.budget = budget or FailureBudget()
        self.environment, self.fixed = environment, fixed
        self._child: Child | None = None
        self._has_forked = False  # True while a fork answers commands
        self._fork_pid = 0  # of that fork; 0 if it is unknown
        self._calls = 0  # observations of this process
        self._is_ready = False
        self.is_cancelled = False
        self._start()

    # --- the process ---

    @property
    def pid(self) -> int:
        """Id of the process; 0 if there is none."""
        return 0 if self._child is None else self._child.process.pid

    @property
    def answering_pid(self) -> int:
        """Id of the process that answers commands: the fork of `pid` if there is one; 0 if there is no process."""
        return self._fork_pid or self.pid

    def _start(self) -> None:
        """Start the process and let it load the implementation, without waiting for it."""
        child = Child(self.python, self.limits.threads, self.environment, self.fixed)
        self._child, self._calls, self._is_ready = child, 0, False
        origin = {**vars(self.origin), "declaration": None}
        child.send(encode(Load(origin, self.seed, self.limits.memory_bytes, self.refusals)).frame)
        child.push()

    def wait_ready(self) -> None:
        """Wait until the implementation is loaded and has described itself. Raises `LoadError`."""
        if self._is_ready:
            return
        assert self._child is not None
        try:
            reply = decode(self._child.receive(LOAD_TIMEOUT_S))
        except ProcessFailure as failure:
            printed = self._child.take_printed()
            self.close()
            raise LoadError(f"{self.origin}: its process {failure} while it was being imported", printed) from None
        except InvalidReply as error:
            self.close()
            raise LoadError(f"{self.origin}: its description cannot be read: {error}") from None
        if not isinstance(reply, Loaded):
            self.close()
            failed = reply if isinstance(reply, LoadFailed) else LoadFailed(f"{self.origin} gave no description")
            raise LoadError(failed.error, failed.trace)
        self.description = reply.description
        self._is_ready = True

    def child(self) -> Child:
        """Return the process, started again if it ended. Raises `ProcessFailure` ("not_called") or `Cancelled`."""
        if self.is_cancelled:
            raise Cancelled
        if self._child is None:
            if not self.budget.reason:
                self._restart()
            if self.budget.reason:
                raise ProcessFailure("not_called", f"was given up after {self.budget.reason}")
        assert self._child is not None
        return self._child

    def _restart(self) -> None:
        try:
            self._start()
            self.wait_ready()
        except LoadError as error:
            self.budget.record_failed_restart(error)

    def record_failure(self, failure: ProcessFailure) -> None:
        """End the process after a failure and count the failure. Raises `Cancelled`."""
        if self.is_cancelled:
            raise Cancelled
        if self._child is not None:
            self.budget.record_failure(failure)
            failure.printed = self._child.take_printed()
            self.close()

    def cancel(self) -> None:
        """Let commands under way, and all later ones, raise `Cancelled`. Another thread may call this method."""
        self.is_cancelled = True
        child = self._child
        if child is not None:
            child.kill()

    def end(self) -> None:
        """End the process as a program ends, with what it has registered for its exit. Raises `Cancelled`."""
        if self._child is None:
            return
        child = self._child
        with contextlib.suppress(ProcessFailure, CommandRefused):
            self.request(encode(EndProcess()), self.limits.timeout_s)
            child.wait_end()
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.close()
            self._child, self._has_forked, self._fork_pid = None, False, 0

    # --- commands ---

    def receive(self, kind: type[R], timeout_s: float, *, may_compile: bool = False) -> R:
        """Return the reply to the next command; the first call on a shape may compile, and has a limit of its own.

        Raises `ProcessFailure`, `CommandRefused` or `Cancelled`.
        """
        child = self.child()
        return self._decode(kind, self._content(child, timeout_s, may_compile), child)

    def _content(self, child: Child, timeout_s: float, may_compile: bool) -> bytes:
        """Return the frame of a reply. Raises `ProcessFailure`."""
        if not may_compile or self.budget.has_endless_first_call:
            return child.receive(timeout_s)
        pid = child.process.pid
        used_s = first_call.processor_s(pid)
        try:
            return child.receive(timeout_s)
        except ProcessFailure as failure:
            if failure.kind != "timed_out":
                raise
        used_s = first_call.processor_s(pid) - used_s + first_call.family_s(pid)
        if used_s < first_call.MIN_COMPUTING_SHARE * timeout_s:
            raise first_call.idle_failure(timeout_s)
        try:
            return child.receive((first_call.FACTOR - 1) * timeout_s)
        except ProcessFailure as failure:
            if failure.kind != "timed_out":
                raise
        self.budget.has_endless_first_call = True
        raise first_call.endless_failure(timeout_s)

    def _decode(self, kind: type[R], content: bytes, child: Child) -> R:
        try:
            reply = decode(content)
            self.budget.record_reply()
            if isinstance(reply, Refused) and kind is not Observed:
                raise CommandRefused(reply)
            if not isinstance(reply, kind):
                raise InvalidReply(f"{type(reply).__name__} instead of {kind.__name__}")
            if isinstance(reply, Observed):
                self._take_call(reply, child)
        except InvalidReply as error:
            raise ProcessFailure("crashed", f"wrote noise to the engine's pipe ({error})", disturbs_pipe=True) from None
        return reply

    def _take_call(self, reply: Observed, child: Child) -> None:
        self._calls += 1
        if reply.number != self._calls:  # both halves of a process that forked send replies
            raise InvalidReply("an answer out of turn")
        if child.has_printed:
            reply.observation.printed = child.take_printed()

    def timed_request(self, command: Encoded[R], timeout_s: float, *, may_compile: bool = False) -> tuple[R, float]:
        """Return the reply to a command, as `receive` does, and the seconds from its sending to the reply.

        Raises `ProcessFailure` after it has been counted, `CommandRefused` or `Cancelled`.
        """
        try:
            child = self.child()
            started = time.perf_counter()
            child.send(command.frame)
            content = self._content(child, timeout_s, may_compile)
            seconds = time.perf_counter() - started
            return self._decode(command.reply, content, child), seconds
        except ProcessFailure as failure:
            self.record_failure(failure)
            raise

    def request(self, command: Encoded[R], timeout_s: float) -> R:
        """Return the reply to a command. Raises as `timed_request`."""
        return self.timed_request(command, timeout_s)[0]

    # --- forks ---

    def fork(self, *, has_called: bool = False) -> bool:
        """Let a fork of the process answer the commands up to `end_fork`. Return False if it cannot be forked.

        A process that has made calls is forked only if ``has_called``. Raises `ProcessFailure` or `Cancelled`.
        """
        if self._calls and not has_called:
            return False
        forked = self.request(encode(Fork(has_called)), self.limits.timeout_s)
        self._has_forked = forked.has_forked
        if forked.has_forked:
            self._fork_pid = self._child_of_process(forked.pid)
        return forked.has_forked

    def _child_of_process(self, pid: int) -> int:
        """Return an id that a reply states, if that process is a child of this one; else 0: a kernel can state any."""
        with contextlib.suppress(psutil.Error):
            if psutil.Process(pid).ppid() == self.pid:
                return pid
        return 0

    def end_fork(self, pid: int) -> bool:
        """End the fork of the process ``pid``. Return False if that process has been replaced or has ended."""
        if self.pid != pid or not self._has_forked:
            return False
        try:
            self.request(encode(EndFork()), self.limits.timeout_s)
        except (ProcessFailure, CommandRefused):
            return False
        self._has_forked, self._calls, self._fork_pid = False, 0, 0
        return True
