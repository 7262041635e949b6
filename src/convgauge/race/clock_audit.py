"""Audit of a contestant's time by clocks that its process cannot change: the system's and the engine's."""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psutil

from convgauge.worker.delays import Delays

ALLOWED_FACTOR = 1.5
"""Factor by which audited time may exceed shown time: a framework's threads do work of their own beside the calls."""

ALLOWED_JITTER_S = 0.25e-3
"""Seconds by which the audited time of a sample may vary beside that, idle time subtracted: wake-ups and page faults.

A sample that takes r seconds and shows half of them is noticed if r > ALLOWED_FACTOR r / 2 + ALLOWED_JITTER_S, which
is from 1 ms. Samples of the baseline, and of a contestant that pretends to be faster, really take five times that.
"""

MIN_SAMPLES = 12
"""Samples from which their median elapsed time counts, below which the shortest does: half of a few may be disturbed,
by what is no wait for a processor."""

TICK_ERROR_S = 0.02
"""Error in seconds of `psutil`'s processor time: two ticks of a hundredth of a second."""

MIN_CLAIM = 2.0
"""A contestant that shows this speed-up over the baseline is ranked only if hidden time would have been noticed."""


class Clocks:
    """Clocks of the process ``pid``, read from the thread that makes this object. All values are in seconds.

    On Linux: the processor time of all threads in nanoseconds, by the clock whose number clock_getcpuclockid(3)
    computes from the process's number; and the time for which its threads, and this thread, were ready to run and did
    not. Its first thread does not wait for a processor while it waits for another of them that does. Elsewhere:
    processor time in ticks, and no delays.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.is_fine = sys.platform == "linux"
        self.threads = ThreadDelays(pid)
        self.own_delays = Delays()

    @property
    def has_delays(self) -> bool:
        """True if the system reports delays."""
        return self.threads.is_known and self.own_delays.is_known

    def processor_s(self) -> float:
        """Return the processor time of the process, all threads together; 0 after its end."""
        try:
            if self.is_fine:
                return time.clock_gettime_ns((~self.pid << 3) | 2) * 1e-9
            times = psutil.Process(self.pid).cpu_times()
        except (OSError, psutil.Error):
            return 0.0
        return float(times.user + times.system)

    def delayed_s(self) -> float:
        """Return the time for which the threads of the process and the engine have waited for a processor."""
        return (self.threads.read() + self.own_delays.read()) * 1e-9

    def close(self) -> None:
        """Close the files of the clocks."""
        self.threads.close()
        self.own_delays.close()


class ThreadDelays:
    """Waiting time of all threads of a process in nanoseconds, added up; those that ended have their last value."""

    def __init__(self, pid: int) -> None:
        self.folder = f"/proc/{pid}/task"
        self.threads: dict[str, Delays] = {}
        self.values: dict[str, int] = {}
        self.read()

    @property
    def is_known(self) -> bool:
        """True if the system reports delays."""
        return any(thread.is_known for thread in self.threads.values())

    def read(self) -> int:
        """Return the waiting time so far."""
        with contextlib.suppress(OSError):  # the process has ended, or the system has no such folder
            for name in os.listdir(self.folder):
                if name not in self.threads:
                    self.threads[name] = Delays(f"{self.folder}/{name}/schedstat")
        for name, thread in self.threads.items():
            self.values[name] = max(thread.read(), self.values.get(name, 0))
        return sum(self.values.values())

    def close(self) -> None:
        """Close the files of the threads."""
        for thread in self.threads.values():
            thread.close()


@dataclass
class ClockAudit:
    """Samples of one contestant as its clock shows them, and by clocks outside its process. All times in seconds."""

    threads: int = 1  # that the contestant may use
    error_s: float = 0.0  # of `processor_s`
    has_delays: bool = True  # True if `elapsed_s` has delays subtracted
    idle_processor_s: float = 0.0  # processor time of a sample without calls
    idle_elapsed_s: float = 0.0  # elapsed time of a sample without calls
    shown_s: list[float] = field(default_factory=list)  # of each sample, by the contestant's clock
    elapsed_s: list[float] = field(default_factory=list)  # of each sample from request to reply, by the engine's clock
    processor_s: float = 0.0  # of all samples together
    clocks: Clocks | None = None  # of the process, while the audit is open

    @classmethod
    def start(cls, clocks: Clocks, threads: int, idle: Sequence[tuple[float, float]]) -> ClockAudit:
        """Open an audit; ``idle`` is (processor time, elapsed time) of samples without calls."""
        processor, elapsed = (statistics.median(column) for column in zip(*idle, strict=True))
        error = 0.0 if clocks.is_fine else TICK_ERROR_S
        return cls(
            threads, error, clocks.has_delays, processor, elapsed, processor_s=-clocks.processor_s(), clocks=clocks
        )

    def resume(self, clocks: Clocks) -> None:
        """Open the audit again, with the clocks of another process of the contestant."""
        self.processor_s -= clocks.processor_s()
        self.clocks = clocks

    def delayed_s(self) -> float:
        """Return the time for which process and engine have waited for a processor; 0 if the audit is not open."""
        return self.clocks.delayed_s() if self.clocks else 0.0

    def record(self, shown: float, elapsed: float) -> None:
        """Add one sample, if the audit is open."""
        if self.clocks:
            self.shown_s.append(shown)
            self.elapsed_s.append(elapsed)

    @contextlib.contextmanager
    def excluded(self) -> Iterator[None]:
        """Subtract the processor time of the block from that of the samples."""
        before = self.clocks.processor_s() if self.clocks else 0.0
        yield
        if self.clocks:
            self.processor_s -= self.clocks.processor_s() - before

    def close(self) -> None:
        """Add up the processor time and close the clocks."""
        if self.clocks:
            self.processor_s += self.clocks.processor_s()
            self.clocks.close()
            self.clocks = None

    def discrepancy(self) -> str:
        """Return a sentence on a difference between the clocks, or "" if they agree."""
        if not self.shown_s:
            return ""
        processor = self.processor_s - len(self.shown_s) * self.idle_processor_s
        if processor > self._max_processor():
            shown = sum(self.shown_s)
            return (
                f"it used {processor:.3g} s of processor where its clock shows {shown:.3g} s: its clock hides time, or"
                f" it has more than {self.threads} threads"
            )
        few = len(self.elapsed_s) < MIN_SAMPLES
        elapsed = (min if few else statistics.median)(self.elapsed_s) - self.idle_elapsed_s
        if self.has_delays and elapsed > self._max_elapsed():
            half = statistics.median(self.shown_s)
            which = "its" if few else "half of its"
            return f"{which} samples last {elapsed:.3g} s by the engine's clock, {half:.3g} s by its own"
        return ""

    def would_notice(self, ratio: float, seconds: float) -> bool:
        """Return True if a clock that hides time would have been noticed.

        Parameters
        ----------
        ratio : float
            Time that samples show, over the time that they would really take.
        seconds : float
            Time in seconds that a sample would really take.

        Returns
        -------
        bool
            Also True for a contestant that does not show a speed-up of `MIN_CLAIM`, because ALLOWED_FACTOR allows for
            that difference.
        """
        if ratio * MIN_CLAIM * (1 if self.has_delays else self.threads) > 1 or not self.shown_s:
            return True
        by_processor = seconds * len(self.shown_s) > self._max_processor()
        return by_processor or (self.has_delays and seconds > self._max_elapsed())

    def _max_processor(self) -> float:
        """Return the most processor time that agrees with the shown time."""
        return ALLOWED_FACTOR * self.threads * sum(self.shown_s) + len(self.shown_s) * ALLOWED_JITTER_S + self.error_s

    def _max_elapsed(self) -> float:
        """Return the longest elapsed time of a sample that agrees with the shown time."""
        return ALLOWED_FACTOR * statistics.median(self.shown_s) + ALLOWED_JITTER_S
