"""Forks of the worker process: processes that have answered no call, in milliseconds.

A process that is kept for this purpose loads the implementation and makes no call itself. For each trial it forks: the
child answers the commands that follow, up to the last one, and the parent waits. If the child ends otherwise, the
parent ends in the same way, so that the engine observes the same as without a fork.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys

PIPE_MARK = b"1"


def can_fork() -> bool:
    """Return True if a fork is a working copy of this process: on Linux, if it has a single thread."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


class Forks:
    """Forks of this process, one after the other."""

    def __init__(self) -> None:
        self._end = -1  # descriptor to which a fork writes at its end

    def fork(self) -> bool:
        """Return True in a fork; return False in this process after the fork has ended by `end`."""
        readable, writable = os.pipe()
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
