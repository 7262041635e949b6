"""A contestant's time by clocks that cannot be patched from inside its process: the system's and the engine's own."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass, field

import psutil

from convgauge.worker.timing import Delays

TRUST = 1.5
"""By what factor an account may exceed what a contestant shows: threads of a framework's own work beside its calls."""

UNSEEN = 0.25e-3
"""Seconds by which a sample's account may vary beside that, idle samples' taken off: some wake-ups and page faults.

A sample that took r seconds and shows half of them is noticed where r > TRUST r / 2 + UNSEEN: from 1 ms on. Samples of
the baseline, and of whatever pretends to be faster, really take five times that.
"""

TICKS = 0.02
"""Seconds by which `psutil`'s account of processor time is coarse: two ticks of a hundredth."""

LEAST_CLAIM = 2.0
"""A contestant that shows itself this many times as fast as the baseline is ranked only if a lie would have shown."""


class Clocks:
    """The clocks of the process ``pid``, read from the thread that makes this object. All in seconds.

    Linux: the processor time of all its threads to the nanosecond, by the clock whose number clock_getcpuclockid(3)
    computes from the process's; and the time that its first thread, and this one, were ready to run and did not.
    Elsewhere: processor time to a tick, and no delays.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.fine = sys.platform == "linux"
        self.delays = [Delays(f"/proc/{pid}/schedstat"), Delays()]

    @property
    def knows_delays(self) -> bool:
        return all(one.known for one in self.delays)

    def processor(self) -> float:
        """Processor time that the process has used yet, all threads together; 0 where it is gone."""
        try:
            if self.fine:
                return time.clock_gettime_ns((~self.pid << 3) | 2) * 1e-9
            used = psutil.Process(self.pid).cpu_times()
        except (OSError, psutil.Error):
            return 0.0
        return float(used.user + used.system)

    def delayed(self) -> float:
        """Time that the process and the engine have waited for a processor yet."""
        return sum(one.read() for one in self.delays) * 1e-9

    def close(self) -> None:
        for one in self.delays:
            one.close()


@dataclass
class Account:
    """One contestant's samples as it shows them, and by the engine's clocks. All in seconds.

    ``processor`` is for all samples, ``elapsed`` for each: from the request to the reply without delays. The ``idle``
    ones are those of a sample without calls. ``coarse`` is the error of ``processor``.
    """

    threads: int = 1
    coarse: float = 0.0
    knows_delays: bool = True
    idle_processor: float = 0.0
    idle_elapsed: float = 0.0
    shown: list[float] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)
    processor: float = 0.0

    def complaint(self) -> str:
        """What does not fit together; "" where everything does."""
        if not self.shown:
            return ""
        used = self.processor - len(self.shown) * self.idle_processor
        if used > self._most_processor():
            shown = sum(self.shown)
            return (
                f"it used {used:.3g} s of processor where its clock shows {shown:.3g} s: its clock hides time, or it"
                f" has more than {self.threads} threads"
            )
        lasting = statistics.median(self.elapsed) - self.idle_elapsed
        if self.knows_delays and lasting > self._longest():
            half = statistics.median(self.shown)
            return f"half of its samples last {lasting:.3g} s by the engine's clock, {half:.3g} s by its own"
        return ""

    def can_tell(self, ratio: float, seconds: float) -> bool:
        """Whether it would have been noticed, had samples really taken ``seconds`` while they show ``ratio`` of them.

        Of contestants that do not show themselves much faster it is not asked: TRUST allows for as much.
        """
        if ratio * LEAST_CLAIM * (1 if self.knows_delays else self.threads) > 1 or not self.shown:
            return True
        by_processor = seconds * len(self.shown) > self._most_processor()
        return by_processor or (self.knows_delays and seconds > self._longest())

    def _most_processor(self) -> float:
        return TRUST * self.threads * sum(self.shown) + len(self.shown) * UNSEEN + self.coarse

    def _longest(self) -> float:
        return TRUST * statistics.median(self.shown) + UNSEEN
