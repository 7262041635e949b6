"""A subject in a worker process, so that no behaviour of it ends the run.

Calls stream to the process and observations stream back: while the process calls, the engine generates the next
operands and judges the last output. A process that ends or hangs costs the one call that it was making. It is replaced,
and the calls after that one are sent again, one at a time until all are answered.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from convgauge.process import first_call
from convgauge.process.child import FRAMES_PER_WRITE
from convgauge.process.connection import FILLED_MEMORY, Connection
from convgauge.process.failures import Cancelled, FailureBudget, ProcessFailure
from convgauge.process.protected_memory import touched_memory
from convgauge.process.runner import Limits, Runner, Token
from convgauge.registry import Origin
from convgauge.worker.call import Call, Description, Observation
from convgauge.worker.messages import MakeCall, Observed
from convgauge.worker.protocol import encode

MAX_CALLS_UNDER_WAY = 32
MAX_BYTES_UNDER_WAY = 8 << 20

IMAGES_PER_TIMEOUT = 8192
"""Images of a call that get the time-out once; a call on more gets it several times, as some work image by image."""

REPEATS_PER_TIMEOUT = 10


@dataclass
class _SentCall:
    """A call under way: size of its frame, its observation, and True if the process ended before its reply."""

    call: Call
    frame_bytes: int
    observation: Observation | None = None
    is_lost: bool = False


class IsolatedSubject:
    """A `Runner` in a worker process; see `Connection` for the parameters."""

    def __init__(
        self,
        origin: Origin,
        limits: Limits,
        python: str = sys.executable,
        seed: int = 0,
        budget: FailureBudget | None = None,
        refusals: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        environment = {**FILLED_MEMORY, **(variables or {})}
        self.connection = Connection(origin, limits, python, seed, budget, environment, refusals=refusals)
        self._variables = variables
        self._second: IsolatedSubject | None = None
        self._unused: IsolatedSubject | None = None  # has answered no call, and forks if it can
        self._new: IsolatedSubject | None = None  # in a process of `new_process`
        self._can_fork: bool | None = None  # not known before the first attempt
        self._called: set[Hashable] = set()  # keys of the calls of the process with the next number
        self._called_pid = 0
        self._under_way: deque[_SentCall] = deque()  # in the order in which the replies arrive

    @property
    def description(self) -> Description:
        """Description of the implementation, once it is loaded."""
        return self.connection.description

    @property
    def failures(self) -> int:
        """Number of processes that failed."""
        return self.connection.budget.failures

    def wait_ready(self) -> None:
        """Wait until the implementation is loaded. Raises `LoadError`."""
        self.connection.wait_ready()

    def second(self) -> Runner:
        """Return a subject in a second process, which has not made the calls of this one; it ends with this one.

        Raises
        ------
        LoadError
            If the implementation cannot be loaded again.
        Cancelled
            If this subject is cancelled.
        """
        if self._second is None:
            self._second = self._again()
            self._second.wait_ready()
        self._raise_if_cancelled()
        return self._second

    def _again(self) -> IsolatedSubject:
        """Return a subject of the same implementation in a process of its own."""
        connection = self.connection
        return IsolatedSubject(
            connection.origin,
            connection.limits,
            connection.python,
            connection.seed,
            FailureBudget(has_endless_first_call=connection.budget.has_endless_first_call),
            connection.refusals,
            self._variables,
        )

    def _raise_if_cancelled(self) -> None:
        if self.connection.is_cancelled:  # `cancel` may not have seen a process that was started meanwhile
            raise Cancelled

    def can_fork(self) -> bool:
        """Return True if `fresh` forks a process, which takes milliseconds. Raises `LoadError` or `Cancelled`."""
        if self._can_fork is None:
            with self.fresh():
                pass
        return bool(self._can_fork)

    @contextmanager
    def fresh(self) -> Iterator[Runner]:
        """Yield a subject in a process that has answered no call: a fork of one that is kept, or a new process.

        Raises
        ------
        LoadError
            If the implementation cannot be loaded again.
        Cancelled
            If this subject is cancelled.
        """
        subject, self._unused = self._unused or self._again(), None
        subject.wait_ready()
        self._raise_if_cancelled()
        self._unused = subject
        pid = subject.connection.pid
        has_forked = self._can_fork is not False and subject.connection.fork()
        self._can_fork = has_forked
        try:
            yield subject
        finally:
            if not (has_forked and subject._has_read_all() and subject.connection.end_fork(pid)):
                subject.close()
                self._unused = None

    def _has_read_all(self) -> bool:
        """Read the replies to the calls of streams that were left. Return False if the process fails meanwhile."""
        pid = self.connection.pid
        while self._under_way:
            self._read_next()
        return self.connection.pid == pid

    @contextmanager
    def new_process(self) -> Iterator[Runner]:
        """Yield a subject in a process that is started now. Raises `LoadError` or `Cancelled`."""
        self._new = subject = self._again()
        try:
            subject.wait_ready()
            self._raise_if_cancelled()
            yield subject
        finally:
            subject.close()
            self._new = None

    def fork(self) -> bool:
        """Let a fork of the process make all further calls. Return False if it need not work in a fork.

        Raises `Cancelled`.
        """
        try:
            return bool(self.connection.pid) and self.connection.fork(has_called=True)
        except ProcessFailure:
            return False

    def end(self) -> None:
        """End the process as a program ends, with what is registered for its exit. Raises `Cancelled`."""
        self.connection.end()

    def cancel(self) -> None:
        """Let calls under way, and all later ones, raise `Cancelled`. Another thread may call this method."""
        self.connection.cancel()
        for subject in (self._second, self._unused, self._new):
            if subject is not None:
                subject.cancel()

    def close(self) -> None:
        """End the process, and the further ones."""
        self.connection.close()
        for subject in (self._second, self._unused):
            if subject is not None:
                subject.close()
        self._second = self._unused = None

    def observe(self, call: Call) -> Observation:
        """Make one call."""
        ((_, observation),) = self.stream([(None, call)])
        return observation

    def stream(self, calls: Iterable[tuple[Token, Call]]) -> Iterator[tuple[Token, Observation]]:
        """Yield each call's token with its observation, in order; up to `MAX_CALLS_UNDER_WAY` calls are under way.

        A stream may be left before its end: the replies that it leaves are skipped, by their order.
        """
        source = iter(calls)
        flight: deque[tuple[Token, _SentCall]] = deque()
        while True:
            self._fill(source, flight)
            if not flight:
                return
            token, sent = flight.popleft()
            yield token, self._observation_of(sent)

    def _fill(self, source: Iterator[tuple[Token, Call]], flight: deque[tuple[Token, _SentCall]]) -> None:
        """Send calls until enough are under way, as soon as half of those have been answered.

        Several go in one write: each write wakes the process, and may cost this process its time slice.
        """
        if len(flight) > MAX_CALLS_UNDER_WAY // 2:
            return
        bytes_under_way = sum([sent.frame_bytes for _, sent in flight])
        while len(flight) < MAX_CALLS_UNDER_WAY and bytes_under_way < MAX_BYTES_UNDER_WAY:
            following = next(source, None)
            if following is None:
                break
            token, call = following
            sent = self._send(call, len(flight) % FRAMES_PER_WRITE == 0)
            bytes_under_way += sent.frame_bytes
            flight.append((token, sent))
        if self.connection.pid:
            self.connection.child().push()

    def _send(self, call: Call, push: bool) -> _SentCall:
        frame = encode(MakeCall(call)).frame
        sent = _SentCall(call, len(frame))
        try:
            child = self.connection.child()
            child.send(frame)
            if push:
                child.push()
            self._under_way.append(sent)
        except ProcessFailure as failure:
            sent.observation = self._failed(call, failure)
        return sent

    def _observation_of(self, sent: _SentCall) -> Observation:
        """Return the observation of a call, after the replies to the calls before it have been read."""
        while sent.observation is None:
            if sent.is_lost:
                sent.observation = self._call_alone(sent.call)
            else:
                self._read_next()
        return sent.observation

    def _read_next(self) -> None:
        """Read the reply to the next call. If the process failed, the calls after it are lost too."""
        first = self._under_way[0]
        try:
            first.observation = self._receive(first.call)
        except ProcessFailure as failure:
            first.observation = self._failed(first.call, failure)
            for sent in self._under_way:
                sent.is_lost = True
            self._under_way.clear()
        else:
            self._under_way.popleft()

    def _receive(self, call: Call) -> Observation:
        images = next(iter(call.input.shape), 1)
        factor = max(1, call.repeat // REPEATS_PER_TIMEOUT, images // IMAGES_PER_TIMEOUT)
        timeout_s = self.connection.limits.timeout_s * factor
        return self.connection.receive(Observed, timeout_s, may_compile=self._is_first(call)).observation

    def _is_first(self, call: Call) -> bool:
        """Return True if the process has not been called with these shapes, dtypes and arguments before."""
        if self._called_pid != self.connection.pid:
            self._called_pid, self._called = self.connection.pid, set()
        key = first_call.key(call)
        is_first = key not in self._called or call.mode in first_call.RECOMPILED_MODES
        self._called.add(key)
        return is_first

    def _call_alone(self, call: Call) -> Observation:
        """Make a lost call again with no other under way: the call that ends the process costs no other call."""
        while self._under_way:
            self._read_next()
        try:
            self.connection.child().send(encode(MakeCall(call)).frame)
            return self._receive(call)
        except ProcessFailure as failure:
            return self._failed(call, failure)

    def _failed(self, call: Call, failure: ProcessFailure) -> Observation:
        self.connection.record_failure(failure)
        touched = touched_memory(call, failure)
        return Observation(
            failure.kind,
            message=f"touched {touched} and {failure}" if touched else str(failure),
            printed=failure.printed,
            disturbs_pipe=failure.disturbs_pipe,
            touched=touched,
        )
