"""How far a run has come and how long it will still take."""

from __future__ import annotations

import time

EVERY = 10.0  # seconds between lines that tell of it: enough to see life in a log, few enough to read it


def spelled(seconds: float) -> str:
    """A duration in words: "about 40 s", "about 3 min"."""
    if seconds < 1:
        return "less than 1 s"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"


class Left:
    """The time that is left of work whose parts' costs are known, if only in proportion to each other."""

    def __init__(self, total: float) -> None:
        self.total, self.done = total, 0.0
        self.started = time.monotonic()

    def add(self, cost: float) -> None:
        """Count a part that is done."""
        self.done += cost

    @property
    def part(self) -> float:
        """How much is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 1.0

    @property
    def seconds(self) -> float | None:
        """Seconds that are left at the pace so far; None before anything is done."""
        if self.part == 0:
            return None
        return (time.monotonic() - self.started) * (1 - self.part) / self.part

    def __str__(self) -> str:
        left = self.seconds
        return f"{self.part:.0%}" + (f", {spelled(left)} left" if left is not None and self.part < 1 else "")
