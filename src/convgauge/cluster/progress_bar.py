"""A run's progress on a console: a bar where it is a terminal, now and then a line in a pipe."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from convgauge.conformance.progress import EVERY, Left


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
