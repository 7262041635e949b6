"""Forks of the worker process: processes that have answered no call, in milliseconds.

A process that is kept for this purpose loads the implementation and makes no call itself. For each trial it forks: the
child answers the commands that follow, up to the last one, and the parent waits. If the child ends otherwise, the
parent ends in the same way, so that the engine observes the same as without a fork.

A process that has made calls is forked too, to find out if the implementation works in a child of its user's program.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
import threading
import warnings
from pathlib import Path

PIPE_MARK = b"1"


def can_fork() -> bool:
    """Return True if a fork is a working copy of this process: on Linux, if it has a single thread."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


POOL_LIBRARIES = ("libgomp", "libiomp", "libomp", "libtbb")
"""Libraries with a pool of threads that a fork does not have: OpenMP of GCC, Intel and LLVM, and oneTBB."""


def can_fork_after_calls() -> bool:
    """Return True if an implementation must work in a fork of this process: on Linux, if all threads are of Python.

    A fork has the calling thread alone. Python code repairs its state by ``os.register_at_fork``; OpenMP specifies
    nothing for forks, and GCC's ends a fork or blocks in it.
    """
    if sys.platform != "linux" or len(os.listdir("/proc/self/task")) > threading.active_count():
        return False
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    return not any(library in mapped for library in POOL_LIBRARIES)


class Forks:
    """Forks of this process, one after the other."""

    def __init__(self) -> None:
        self._end = -1  # descriptor to which a fork writes at its end

    def fork(self) -> bool:
        """Return True in a fork; return False in this process after the fork has ended by `end`.

        The objects that exist are no longer looked at by the garbage collector, which would copy their pages in a fork.
        """
        gc.collect()
        gc.freeze()
        readable, writable = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, if there are several threads
            pid = os.fork()
        if not pid:
            os.close(readable)
            self._end = writable
            return True
        os.close(writable)
        _, status = os.waitpid(pid, 0)
        os.set_blocking(readable, False)
        try:
            has_ended = os.read(readable, 1) == PIPE_MARK
        except BlockingIOError:  # a process that the fork started holds the other end
            has_ended = False
        os.close(readable)
        if not has_ended:
            _end_as(status)
        return False

    def end(self) -> None:
        """End this process, which is a fork."""
        os.write(self._end, PIPE_MARK)
        os._exit(0)


def _end_as(status: int) -> None:
    """End this process as another one ended, given its status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        faulthandler.disable()
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
