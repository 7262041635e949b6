"""Time that a thread was ready to run while the system ran another."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

_FIELD_BYTES = 80


class Delays:
    """Waiting time of a thread in nanoseconds; 0 where the system does not report it.

    Parameters
    ----------
    path : str
        File of the thread in the format of Linux's schedstat, whose second number is read
        (Documentation/scheduler/sched-stats.rst). The default is the thread that makes this object.
    """

    def __init__(self, path: str = "/proc/thread-self/schedstat") -> None:
        try:
            self._file = os.open(path, os.O_RDONLY)
            self._read()
        except (OSError, IndexError, ValueError):
            self._file = -1

    @property
    def is_known(self) -> bool:
        """True if the system reports the waiting time."""
        return self._file >= 0

    def read(self) -> int:
        """Return the waiting time since the thread started; 0 after it ended."""
        try:
            return self._read() if self._file >= 0 else 0
        except (OSError, IndexError):
            return 0

    def _read(self) -> int:
        return int(os.pread(self._file, _FIELD_BYTES, 0).split()[1])

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Waits(NamedTuple):
    """Waiting time of this thread, and processor time of the process's other threads, in nanoseconds since a start."""

    waited_ns: int
    others_ns: int

    def delay_until(self, later: Waits) -> int:
        """Return the time from this reading to a later one in which other processes kept the thread from running.

        A thread also waits while another thread of its process runs on its processor: a kernel may compute there. That
        is time of the kernel, so the processor time of these threads is not subtracted from it.
        """
        waited_ns, others_ns = later.waited_ns - self.waited_ns, later.others_ns - self.others_ns
        return max(0, waited_ns - max(0, others_ns))


class OwnDelays:
    """Delays of the thread that makes this object by other processes; 0 where the system does not report them."""

    def __init__(self) -> None:
        self._delays = Delays()

    def reopen(self) -> None:
        """Read the times of the calling thread instead."""
        self._delays.close()
        self._delays = Delays()

    def read(self) -> Waits:
        """Return the times since the thread started."""
        if not self._delays.is_known:
            return Waits(0, 0)
        return Waits(self._delays.read(), time.process_time_ns() - time.thread_time_ns())


def without_preemption(stretches: list[tuple[int, int, int]]) -> int:
    """Return the nanoseconds that calls would have taken in total without delays.

    If most calls met no delay, the others count as the mean of those: of a short call it is unknown whether its delay
    fell between the readings of the two clocks. If few did, calls are long, and the delays are subtracted.

    Parameters
    ----------
    stretches : list of tuple
        Nanoseconds that some calls took, nanoseconds of delay from the first of them to the last, and their number.
    """
    total_calls = sum(calls for _, _, calls in stretches)
    clear = [(taken, calls) for taken, delay, calls in stretches if not delay]
    if 2 * sum(calls for _, calls in clear) < total_calls:
        clear = [(max(taken - delay, taken // 10), calls) for taken, delay, calls in stretches]
    return sum(taken for taken, _ in clear) * total_calls // sum(calls for _, calls in clear)
