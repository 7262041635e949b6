"""A worker process and its pipes. Neither process blocks the other."""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from convgauge import worker
from convgauge.environment import thread_environment
from convgauge.process.address_layout import fixed_addresses
from convgauge.process.crash_dump import condense_dump
from convgauge.process.failures import ProcessFailure
from convgauge.registry import LoadError
from convgauge.worker.protocol import LENGTH, LOST_PIPE_STATUS, MAX_FRAME_BYTES

IN_CHILD = "CONVGAUGE_CHILD"
"""Variable that is set in the environment of a worker process."""

MAX_PRINTED_BYTES = 64 << 10
"""Bytes of the process's printed text that are kept."""

FRAMES_PER_WRITE = 8
EXIT_TIMEOUT_S = 5.0
PIPE_BYTES = 1 << 20


class Child:
    """A worker process and its pipes.

    Parameters
    ----------
    python : str
        Path of the interpreter.
    threads : int
        Number of threads of the numerical libraries in it.
    environment : mapping
        Variables to set in addition.
    fixed : bool
        Give it the addresses of every other such process; see `fixed_addresses`.

    Raises
    ------
    LoadError
        The interpreter cannot be started.
    """

    def __init__(
        self,
        python: str = sys.executable,
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
        fixed: bool = False,
    ) -> None:
        variables = {**os.environ, **thread_environment(threads), **(environment or {}), IN_CHILD: "1"}
        with fixed_addresses() if fixed else contextlib.nullcontext():
            try:
                self.process, self._out, self._in = _start(python, variables)
            except OSError as error:
                raise LoadError(f"the Python {python} cannot be started: {error.strerror}") from None
        assert self.process.stdout is not None
        self._stdout = self.process.stdout.fileno()
        for descriptor in (self._out, self._in, self._stdout):
            os.set_blocking(descriptor, False)
        for descriptor in (self._out, self._in):
            _enlarge_pipe(descriptor)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._in, selectors.EVENT_READ)
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._exit = os.pidfd_open(self.process.pid) if hasattr(os, "pidfd_open") else -1
        if self._exit >= 0:
            self._selector.register(self._exit, selectors.EVENT_READ)
        self._outgoing: deque[memoryview] = deque()
        self._incoming = bytearray()
        self._frames: deque[bytes] = deque()
        self._printed = bytearray()

    # --- frames ---

    def send(self, frame: bytes) -> None:
        """Queue a frame; `receive` and `push` write it."""
        self._outgoing.append(memoryview(frame))

    def push(self) -> None:
        """Write as much of the queue as the pipe takes now."""
        while self._outgoing:
            try:
                written = os.writev(self._out, list(itertools.islice(self._outgoing, FRAMES_PER_WRITE)))
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._outgoing.clear()  # the process has ended: `receive` raises
                return
            while written:
                part = self._outgoing.popleft()
                if written < len(part):
                    self._outgoing.appendleft(part[written:])
                    break
                written -= len(part)

    def receive(self, timeout_s: float) -> bytes:
        """Return the next frame without its length. Raises `ProcessFailure`."""
        deadline = time.monotonic() + timeout_s
        has_ended = False
        while not self._frames:
            self._split_frames()
            if self._frames:
                break
            self.push()
            self._watch_writability()
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise ProcessFailure("timed_out", f"gave no answer within {timeout_s:g} s")
            for key, _ in self._selector.select(left_s):
                if key.fd == self._in:
                    self._read_frames()
                elif key.fd == self._stdout:
                    self._read_printed()
                else:
                    has_ended |= key.fd == self._exit
            if has_ended and not self._frames:
                self._read_last_frames()
        return self._frames.popleft()

    def _watch_writability(self) -> None:
        is_watched = self._out in self._selector.get_map()
        if self._outgoing and not is_watched:
            self._selector.register(self._out, selectors.EVENT_WRITE)
        elif not self._outgoing and is_watched:
            self._selector.unregister(self._out)

    def _read_last_frames(self) -> None:
        """Read the frames that an ended process had written. Processes that it started may hold its pipe open."""
        try:
            while not self._frames:
                self._read_frames()
        except BlockingIOError:
            raise self._ending() from None

    def _read_frames(self) -> None:
        content = os.read(self._in, PIPE_BYTES)
        if not content:
            raise self._ending()
        self._incoming += content
        self._split_frames()

    def _split_frames(self) -> None:
        """Split the bytes that were read into frames. Noise is a failure once the frames before it are consumed."""
        start = 0
        while len(self._incoming) - start >= LENGTH.size:
            (size,) = LENGTH.unpack_from(self._incoming, start)
            if size > MAX_FRAME_BYTES:
                if self._frames:
                    break
                raise ProcessFailure("crashed", "wrote noise to the engine's pipe", disturbs_pipe=True)
            if len(self._incoming) - start - LENGTH.size < size:
                break
            start += LENGTH.size
            self._frames.append(bytes(self._incoming[start : start + size]))
            start += size
        del self._incoming[:start]

    # --- printed text and the end ---

    def _read_printed(self) -> None:
        content = os.read(self._stdout, 1 << 16)
        if not content:
            self._selector.unregister(self._stdout)
        self._printed += content
        if len(self._printed) > MAX_PRINTED_BYTES:
            del self._printed[: len(self._printed) - MAX_PRINTED_BYTES]

    @property
    def has_printed(self) -> bool:
        """True if there is text that `take_printed` returns."""
        return bool(self._printed)

    def take_printed(self) -> str:
        """Return the text that was printed since the last call of this method, at most its last `MAX_PRINTED_BYTES`.

        The dump of a crash is condensed.
        """
        text = self._printed.decode(errors="replace")
        self._printed.clear()
        return condense_dump(text)

    def _ending(self) -> ProcessFailure:
        """Return the failure of a process that ended, or closed its pipe."""
        code = LOST_PIPE_STATUS
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self.process.wait(EXIT_TIMEOUT_S)
        if code == LOST_PIPE_STATUS:
            return ProcessFailure("crashed", "closed the engine's pipe", disturbs_pipe=True)
        return ProcessFailure("crashed", self._exit_reason(code), signal=max(0, -code))

    @staticmethod
    def _exit_reason(code: int) -> str:
        if code >= 0:
            return f"ended the process with exit status {code}"
        try:
            return f"died of signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"died of signal {-code}"

    def kill(self) -> None:
        """End the process and those that it has started, if they have not ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def wait_end(self) -> None:
        """Wait until the process has ended by itself, at most for `EXIT_TIMEOUT_S`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(EXIT_TIMEOUT_S)

    def close(self) -> None:
        """End the process and close the pipes."""
        self.kill()
        self.process.wait()
        self._selector.close()
        for descriptor in (self._out, self._in, self._exit):
            if descriptor >= 0:
                os.close(descriptor)
        if self.process.stdout is not None:
            self.process.stdout.close()


def _start(python: str, environment: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int, int]:
    """Start a process. Return it with the descriptors to write to it and to read from it."""
    to_child, outgoing = os.pipe()
    incoming, from_child = os.pipe()
    boot = Path(worker.__file__).with_name("boot.py")
    try:
        process = subprocess.Popen(
            [python, str(boot), str(to_child), str(from_child)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(to_child, from_child),
            start_new_session=True,  # its own process group: `Child.kill` ends the processes that it started, not this
            env=environment,
        )
    except OSError:
        os.close(outgoing)
        os.close(incoming)
        raise
    finally:
        os.close(to_child)
        os.close(from_child)
    return process, outgoing, incoming


def _enlarge_pipe(pipe: int) -> None:
    """Let a pipe hold a megabyte if the system can, so that operands cross it in few writes."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # the user's pipes already use all that is allowed
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
