"""Runners whose processes share a disk: what one stores, a later one reads when it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support.fake_runner import FakeRunner, Kernel

Disk = dict[Any, Any]
NewKernel = Callable[[Disk, Disk], Kernel]
"""Function from the files at the start of a process, and the disk that it writes to, to its kernel."""


class StoringRunner(FakeRunner):
    """Runner whose processes share a disk.

    Parameters
    ----------
    new_kernel : callable
        Function that returns the kernel of a process.
    child : callable, optional
        Kernel of a forked child; a process cannot be forked without one.
    """

    def __init__(self, new_kernel: NewKernel, disk: Disk | None = None, child: Kernel | None = None) -> None:
        self.disk: Disk = {} if disk is None else disk
        super().__init__(new_kernel(dict(self.disk), self.disk))
        self.new_kernel, self.child = new_kernel, child
        self.processes: list[StoringRunner] = []
        self.has_ended = False

    @contextmanager
    def new_process(self) -> Iterator[StoringRunner]:
        """Yield a process that is started now."""
        self.processes.append(StoringRunner(self.new_kernel, self.disk, self.child))
        yield self.processes[-1]

    def fork(self) -> bool:
        """Let the child's kernel answer, if there is one."""
        if self.child is not None:
            self.kernel = self.child
        return self.child is not None

    def end(self) -> None:
        """Mark the process as ended."""
        self.has_ended = True
