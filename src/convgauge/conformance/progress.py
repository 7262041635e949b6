"""Progress of a run: the part that is done and the time that it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping

INTERVAL_S = 10.0
"""Seconds between lines of progress: often enough to see in a log that a run proceeds, rare enough to read the log."""


def describe_duration(seconds: float) -> str:
    """Return a duration in words: "about 40 s", "about 3 min"."""
    if seconds < 1:
        return "less than 1 s"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"


class RemainingTime:
    """Remaining time of work whose parts have known costs.

    Parameters
    ----------
    total
        Cost of all parts, in any unit.
    """

    def __init__(self, total: float) -> None:
        self.total, self.done = total, 0.0
        self.started = time.monotonic()

    def add(self, cost: float) -> None:
        """Count a part that is done."""
        self.done += cost

    @property
    def part(self) -> float:
        """Part of the work that is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 1.0

    @property
    def seconds(self) -> float | None:
        """Seconds that remain at the pace so far, or None before anything is done."""
        if self.part == 0:
            return None
        return (time.monotonic() - self.started) * (1 - self.part) / self.part

    def __str__(self) -> str:
        seconds = self.seconds
        return f"{self.part:.0%}" + (
            f", {describe_duration(seconds)} left" if seconds is not None and self.part < 1 else ""
        )


class ProgressReporter:
    """Writer of a line of progress every ten seconds, the same in a terminal, a pipe and a log.

    Parameters
    ----------
    costs
        Expected cost of each part.
    write_line
        Function that writes one line.
    """

    def __init__(self, costs: Mapping[Hashable, float], write_line: Callable[[str], None]) -> None:
        self._costs, self._write_line = costs, write_line
        self._remaining = RemainingTime(sum(costs.values()))
        self._last_s = time.monotonic()

    def finish(self, part: Hashable) -> None:
        """Count a part that is done, and write a line if the last one is old enough."""
        self._remaining.add(self._costs.get(part, 0.0))
        now = time.monotonic()
        if now - self._last_s >= INTERVAL_S and self._remaining.part < 1:
            self._last_s = now
            self._write_line(str(self._remaining))
