"""Time that a thread was ready to run while the system ran another."""

from __future__ import annotations

import os

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
