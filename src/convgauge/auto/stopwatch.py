"""Seconds of calls within this process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

SHORT_SAMPLE_S = 0.0005
"""Seconds that one sample takes at least; the number of calls follows from it."""

MIN_CALL_S = 1e-7
"""Seconds that a call is taken to last at least, so that a number of calls is finite."""


class Stopwatch:
    """Times calls: processor time for one thread, so that other programs do not count; elapsed time for several."""

    def __init__(self, threads: int) -> None:
        self.now_ns = time.process_time_ns if threads == 1 else time.perf_counter_ns

    def seconds(self, call: Callable[[], object], calls: int = 1) -> float:
        """Return the seconds of one call, the mean of several in a row."""
        started = self.now_ns()
        for _ in range(calls):
            call()
        return max(1, self.now_ns() - started) * 1e-9 / calls

    def least_seconds(self, call: Callable[[], object], limit: float = math.inf, samples: int = 4) -> float:
        """Return the least seconds of one call among some samples; if the first call exceeds ``limit``, its time."""
        first = self.seconds(call)
        if first > limit:
            return first
        calls = calls_per_short_sample(first)
        return min(self.seconds(call, calls) for _ in range(samples))


def calls_per_short_sample(call_s: float) -> int:
    """Return the number of calls of one sample, from the seconds of one call."""
    return math.ceil(SHORT_SAMPLE_S / max(call_s, MIN_CALL_S))
