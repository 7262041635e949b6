"""Running a subject in a child process, so that nothing it does takes the run down.

Calls stream to the child and observations stream back, so that both processes work at once: while the child calls,
the parent draws the next operands and judges the last answer. A child that dies or hangs costs the one call that it
was at: the child is replaced and the calls behind it are sent again, one at a time until they are through.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from convgauge import worker
from convgauge.environment import thread_environment
from convgauge.registry import LoadError, Origin, load
from convgauge.worker import protocol
from convgauge.worker.call import Call, Description, Kind, Observation
from convgauge.worker.subject import Subject

Token = TypeVar("Token")

WINDOW = 32  # calls under way at once
AT_ONCE = 8  # calls that are sent with one write
WINDOW_BYTES = 8 << 20  # and the bytes of their operands
OUTPUT_LIMIT = 64 << 10  # bytes of what the implementation prints that are kept
IMAGES = 8192  # of a call that may take the time-out; one on more may take longer, as some work image by image
DEATHS = 20  # deaths in a row, no answer between them, after which a subject is given up: two specs of nothing else
MOST_DEATHS = 100  # and in all: a restart takes half a second with NumPy, three with larger frameworks
HANG = 5  # deaths that a time-out counts as, since it also costs its seconds
CHILD = "CONVGAUGE_CHILD"  # set in the environment of a child
LOAD_TIMEOUT = 120.0  # seconds to import an implementation and its framework


class SubjectDied(Exception):
    """The child ended ("crashed"), did not reply ("timed_out"), or is not started again ("not_called")."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Halted(Exception):
    """The subject has been halted: the run is over before its specs are."""


class Runner(Protocol):
    """What the judge needs of a subject, wherever it runs."""

    description: Description

    def stream(self, calls: Iterable[tuple[Token, Call]]) -> Iterator[tuple[Token, Observation]]:
        """Make the calls in their order and yield each with what it did."""
        ...

    def greet(self) -> None:
        """Wait until it is ready to be called. Raises `LoadError`."""
        ...

    def halt(self) -> None:
        """From another thread: have calls end in `Halted`."""
        ...

    def close(self) -> None:
        """Let go of the process, if there is one."""
        ...


class InProcess:
    """A subject in this very process, for debuggers."""

    def __init__(self, origin: Origin) -> None:
        self.subject = Subject(load(origin))
        self.description = self.subject.describe()

    def stream(self, calls: Iterable[tuple[Token, Call]]) -> Iterator[tuple[Token, Observation]]:
        for token, call in calls:
            yield token, self.subject.observe(call)

    def greet(self) -> None:
        pass

    def halt(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass
class Limits:
    """Seconds for one call, bytes of address space for the child (0: unlimited), threads of the engines in it."""

    timeout: float = 20.0
    memory: int = 0
    threads: int = 1


_ASK, _NO_RANDOM_ADDRESSES = ctypes.c_ulong(0xFFFFFFFF), 0x0040000  # see personality(2)


@contextlib.contextmanager
def fixed_layout() -> Iterator[None]:
    """Processes that this thread starts meanwhile have their code and data at the same addresses as one another.

    Linux, where it is allowed (personality(2)); elsewhere nothing changes.
    """
    personality = getattr(ctypes.CDLL(None), "personality", None) if sys.platform == "linux" else None
    before = -1 if personality is None else personality(_ASK)
    if personality is None or before < 0:
        yield
        return
    personality(before | _NO_RANDOM_ADDRESSES)
    try:
        yield
    finally:
        personality(before)


class Child:
    """One child process and its pipes; neither side ever blocks the other."""

    def __init__(
        self,
        python: str = sys.executable,
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
        fixed: bool = False,
    ) -> None:
        to_child, self._out = os.pipe()
        self._in, from_child = os.pipe()
        boot = Path(worker.__file__).with_name("boot.py")
        try:
            with fixed_layout() if fixed else contextlib.nullcontext():
                self.process = subprocess.Popen(
                    [python, str(boot), str(to_child), str(from_child)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=(to_child, from_child),
                    start_new_session=True,  # a group of its own: killing it ends what the child started and spares us
                    env={**os.environ, **thread_environment(threads), **(environment or {}), CHILD: "1"},
                )
        except OSError:
            os.close(self._out)
            os.close(self._in)
            raise
        finally:
            os.close(to_child)
            os.close(from_child)
        assert self.process.stdout is not None
        self._printed = self.process.stdout.fileno()
        for descriptor in (self._out, self._in, self._printed):
            os.set_blocking(descriptor, False)
        for descriptor in (self._out, self._in):
            _widen(descriptor)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._in, selectors.EVENT_READ)
        self._selector.register(self._printed, selectors.EVENT_READ)
        self._ended = os.pidfd_open(self.process.pid) if hasattr(os, "pidfd_open") else -1
        if self._ended >= 0:
            self._selector.register(self._ended, selectors.EVENT_READ)
        self._outgoing: deque[memoryview] = deque()
        self._incoming = bytearray()
        self._frames: deque[bytes] = deque()
        self.output = bytearray()

    def send(self, frame: bytes) -> None:
        """Queue a request; `receive` and `push` write it."""
        self._outgoing.append(memoryview(frame))

    def push(self) -> None:
        """Write as much of the queue as the pipe takes now."""
        while self._outgoing:
            try:
                written = os.writev(self._out, list(itertools.islice(self._outgoing, AT_ONCE)))
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._outgoing.clear()  # the child is gone; receiving will say so
                return
            while written:
                part = self._outgoing.popleft()
                if written < len(part):
                    self._outgoing.appendleft(part[written:])
                    break
                written -= len(part)

    def receive(self, timeout: float) -> bytes:
        """The next reply. Raises `SubjectDied` when the child ends, or sends none for ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        ended = False
        while not self._frames:
            self._cut()
            if self._frames:
                break
            self.push()
            if self._outgoing and self._out not in self._selector.get_map():
                self._selector.register(self._out, selectors.EVENT_WRITE)
            elif not self._outgoing and self._out in self._selector.get_map():
                self._selector.unregister(self._out)
            left = deadline - time.monotonic()
            if left <= 0:
                raise SubjectDied("timed_out", f"gave no answer within {timeout:g} s")
            for key, _ in self._selector.select(left):
                if key.fd == self._in:
                    self._read_replies()
                elif key.fd == self._printed:
                    self._read_output()
                else:
                    ended |= key.fd == self._ended
            if ended and not self._frames:
                self._read_last()
        return self._frames.popleft()

    def _read_last(self) -> None:
        """What an ended child had still written. Its pipe may be held open by processes that it has left behind."""
        try:
            while not self._frames:
                self._read_replies()
        except BlockingIOError:
            raise SubjectDied("crashed", self._ending()) from None

    def _read_replies(self) -> None:
        content = os.read(self._in, 1 << 20)
        if not content:
            raise SubjectDied("crashed", self._ending())
        self._incoming += content
        self._cut()

    def _cut(self) -> None:
        """Cut what has come in into frames. Noise counts once the frames before it have been read."""
        start = 0
        while len(self._incoming) - start >= protocol.LENGTH.size:
            (size,) = protocol.LENGTH.unpack_from(self._incoming, start)
            if size > protocol.LIMIT:
                if self._frames:
                    break
                raise SubjectDied("crashed", "wrote noise to the engine's pipe")
            if len(self._incoming) - start - protocol.LENGTH.size < size:
                break
            start += protocol.LENGTH.size
            self._frames.append(bytes(self._incoming[start : start + size]))
            start += size
        del self._incoming[:start]

    def _read_output(self) -> None:
        content = os.read(self._printed, 1 << 16)
        if not content:
            self._selector.unregister(self._printed)
        self.output += content
        if len(self.output) > OUTPUT_LIMIT:
            del self.output[: len(self.output) - OUTPUT_LIMIT]

    def _ending(self) -> str:
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            return "closed the engine's pipe"
        if code >= 0:
            return f"ended the process with exit status {code}"
        try:
            return f"died of signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"died of signal {-code}"

    def printed(self) -> str:
        """What the implementation printed since the last time this was asked, the last 64 KiB of it."""
        text = self.output.decode(errors="replace")
        self.output.clear()
        return text

    def kill(self) -> None:
        """End the process and those that it has started, if they have not ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """`kill`, and close the pipes."""
        self.kill()
        self.process.wait()
        self._selector.close()
        for descriptor in (self._out, self._in, self._ended):
            if descriptor >= 0:
                os.close(descriptor)
        if self.process.stdout is not None:
            self.process.stdout.close()


def _widen(pipe: int) -> None:
    """Have a pipe hold a megabyte where the system can, so that operands cross it in few turns."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # the user's pipes already take up all that is allowed
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)


@dataclass
class _Sent:
    """A call under way: its frame's size in bytes, what came of it, whether the process ended before its reply."""

    call: Call
    size: int
    seen: Observation | None = None
    lost: bool = False


@dataclass
class Toll:
    """The deaths of a subject's processes, one after another or at once, and what they count for."""

    deaths: int = 0
    in_a_row: int = 0
    in_all: int = 0
    last: str = ""
    hopeless: str = ""  # why it is started no more

    def count(self, death: SubjectDied) -> None:
        weight = HANG if death.kind == "timed_out" else 1
        self.deaths += 1
        self.in_a_row += weight
        self.in_all += weight
        self.last = str(death)

    def given_up(self) -> str:
        """Why the subject has died too often; "" while it has not."""
        if not self.hopeless and (self.in_a_row >= DEATHS or self.in_all >= MOST_DEATHS):
            row = " in a row" if self.in_a_row >= DEATHS else ""
            self.hopeless = f"{self.deaths} deaths{row}; the last time it {self.last}"
        return self.hopeless


class Isolated:
    """A subject in a child process, which is started at once, greeted before its first call, and replaced when it dies.

    The thread that makes it has to outlive the process: Linux ends the one with the other (see
    `convgauge.worker.server`).
    ``toll`` is shared by those that run one implementation, so that it is given up as soon as one alone would be.
    """

    environment: Mapping[str, str] = {"MALLOC_PERTURB_": "165"}
    """Has the C library of Linux fill memory that is handed out or back, so that what was not written shows."""
    fixed = False
    """Whether its memory is laid out as that of any other such process; see `fixed_layout`."""

    halted = False  # whether calls are to end in `Halted`

    def __init__(
        self, origin: Origin, limits: Limits, python: str = sys.executable, seed: int = 0, toll: Toll | None = None
    ) -> None:
        self.origin, self.limits, self.python, self.seed = origin, limits, python, seed
        self.toll = toll or Toll()
        self._child: Child | None = None
        self._received = 0  # answers of this child
        self._under_way: deque[_Sent] = deque()  # in the order in which their replies will come
        self._launch()

    @property
    def deaths(self) -> int:
        """How many of its processes have died."""
        return self.toll.deaths

    def _launch(self) -> None:
        """Start the process and have it import the implementation, without waiting for it."""
        try:
            self._child, self._received = Child(self.python, self.limits.threads, self.environment, self.fixed), 0
            self._greeted = False
        except OSError as error:
            raise LoadError(f"the Python {self.python} cannot be started: {error.strerror}") from None
        plain = {**vars(self.origin), "declaration": None}
        self._child.send(protocol.request("load", plain, self.seed, self.limits.memory))
        self._child.push()

    def greet(self) -> None:
        """Wait until the implementation is imported and has described itself. Raises `LoadError`."""
        if self._greeted:
            return
        assert self._child is not None
        try:
            content, _ = protocol.read_reply(self._child.receive(LOAD_TIMEOUT))
        except SubjectDied as death:
            printed = self._child.printed()
            self.close()
            raise LoadError(f"{self.origin}: its process {death} while it was being imported", printed) from None
        if "error" in content:
            self.close()
            raise LoadError(content["error"], content["trace"])
        self.description = protocol.description_from(content)
        self._greeted = True

    def close(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None

    def stream(self, calls: Iterable[tuple[Token, Call]]) -> Iterator[tuple[Token, Observation]]:
        """Yield each call's token with its observation, in order; up to `WINDOW` calls are under way meanwhile.

        Streams may be nested, and one may be left before its end: what is still under way is told apart by its order.
        """
        source = iter(calls)
        flight: deque[tuple[Token, _Sent]] = deque()
        while True:
            self._fill(source, flight)
            if not flight:
                return
            token, sent = flight.popleft()
            yield token, self._answer(sent)

    def _fill(self, source: Iterator[tuple[Token, Call]], flight: deque[tuple[Token, _Sent]]) -> None:
        """Send calls until enough of them are under way, once half of those have been answered.

        Some go in one write: each write wakes the child, and may cost this process its turn.
        """
        if len(flight) > WINDOW // 2:
            return
        size = sum([sent.size for _, sent in flight])
        while len(flight) < WINDOW and size < WINDOW_BYTES:
            following = next(source, None)
            if following is None:
                break
            token, call = following
            frame = protocol.call_request(call)
            sent = _Sent(call, len(frame))
            size += sent.size
            flight.append((token, sent))
            try:
                child = self._living()
                child.send(frame)
                if len(flight) % AT_ONCE == 1:
                    child.push()
                self._under_way.append(sent)
            except SubjectDied as death:
                sent.seen = self._died(death)
        if self._child is not None:
            self._child.push()

    def _answer(self, sent: _Sent) -> Observation:
        """What came of a call, once the replies to those sent before it have been read."""
        while sent.seen is None:
            if sent.lost:
                sent.seen = self._alone(sent.call)
            else:
                self._next_answer()
        return sent.seen

    def _next_answer(self) -> None:
        """Read the reply to the call that is next. When there is none to come, those sent after it are lost too."""
        first = self._under_way[0]
        try:
            first.seen = self._receive(first.call)
        except SubjectDied as death:
            first.seen = self._died(death)
            for one in self._under_way:
                one.lost = True
            self._under_way.clear()
        else:
            self._under_way.popleft()

    def _receive(self, call: Call) -> Observation:
        child = self._living()
        images = next(iter(call.input.shape), 1)
        frame = child.receive(self.limits.timeout * max(1, call.repeat // 10, images // IMAGES))
        try:
            content, arrays = protocol.read_reply(frame)
            self._received += 1
            self.toll.in_a_row = 0
            if content.get("number") != self._received:  # of a process that forked, both halves answer
                raise protocol.GarbledFrame("an answer out of turn")
            seen = protocol.observation_from(content, arrays)
        except protocol.GarbledFrame as error:
            raise SubjectDied("crashed", f"wrote noise to the engine's pipe ({error})") from None
        return replace(seen, printed=child.printed()) if child.output else seen

    def _alone(self, call: Call) -> Observation:
        """Make a lost call again with no other under way, so that the next to end the process costs no other."""
        while self._under_way:
            self._next_answer()
        try:
            self._living().send(protocol.call_request(call))
            return self._receive(call)
        except SubjectDied as death:
            return self._died(death)

    def _living(self) -> Child:
        """The child, started again if it is gone. Raises `SubjectDied` when it has died too often, or `Halted`."""
        if self.halted:
            raise Halted
        if self._child is None:
            if self.toll.given_up():
                raise SubjectDied("not_called", f"was given up after {self.toll.hopeless}")
            try:
                self._launch()
                self.greet()
            except LoadError as error:
                self.toll.hopeless = f"{self.toll.deaths} deaths, as it could not be started again: {error}"
                raise SubjectDied("not_called", f"was given up after {self.toll.hopeless}") from None
        assert self._child is not None
        return self._child

    def halt(self) -> None:
        """From another thread: have the calls under way, and all to come, end in `Halted`."""
        self.halted = True
        child = self._child
        if child is not None:
            child.kill()

    def _died(self, death: SubjectDied) -> Observation:
        printed = ""
        if self.halted:
            raise Halted
        if self._child is not None:
            self.toll.count(death)
            printed = self._child.printed()
            self.close()
        return Observation(death.kind, message=str(death), printed=printed)


def run(
    origin: Origin, limits: Limits, *, isolated: bool = True, python: str = sys.executable, seed: int = 0,
    toll: Toll | None = None,
) -> Runner:  # fmt: skip
    """The subject of ``origin``, in a child process or in this one, to be greeted. Raises `LoadError`."""
    return Isolated(origin, limits, python, seed, toll) if isolated else InProcess(origin)
