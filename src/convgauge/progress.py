"""How far a run has come and how long it will still take: a bar in a terminal, now and then a line in a pipe."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

EVERY = 10.0  # seconds between lines where there is no terminal: enough to see life in a log, few enough to read


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


class Meter:
    """Shows a `Left` on ``console`` as parts are done: a bar where it is a terminal, else a line every ten seconds."""

    def __init__(self, console: Console, total: float) -> None:
        self.console, self.left = console, Left(total)
        self.told = time.monotonic()
        self.bar = Progress(
            BarColumn(), TextColumn("{task.description}"), console=console, transient=True, disable=not self.live
        )
        self.task = self.bar.add_task("", total=1.0)

    @property
    def live(self) -> bool:
        """Whether there is a terminal to draw a bar on."""
        return self.console.is_terminal and not self.console.quiet

    def __enter__(self) -> Meter:
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.bar.stop()

    def add(self, cost: float, what: str) -> None:
        """Count a part that is done; ``what`` is said beside it."""
        self.left.add(cost)
        line = f"{self.left}: {what}"
        self.bar.update(self.task, completed=self.left.part, description=line)
        now = time.monotonic()
        if not self.live and (now - self.told >= EVERY or self.left.part == 1):
            self.told = now
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """A line above the bar."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)
