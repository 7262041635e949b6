"""Progress of a run on a console: a bar on a terminal, and otherwise a line every few seconds."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from convgauge.conformance.progress import INTERVAL_S, RemainingTime


class ProgressBar:
    """Display of the share of work that is done: a bar on a terminal, otherwise a line every ten seconds."""

    def __init__(self, console: Console, total_s: float) -> None:
        self.console, self.progress = console, RemainingTime(total_s)
        self.printed = time.monotonic()
        self.bar = Progress(
            BarColumn(), TextColumn("{task.description}"), console=console, transient=True, disable=not self.is_live
        )
        self.task = self.bar.add_task("", total=1.0)

    @property
    def is_live(self) -> bool:
        """True if there is a terminal to draw a bar on."""
        return self.console.is_terminal and not self.console.quiet

    def __enter__(self) -> ProgressBar:
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.bar.stop()

    def add(self, cost_s: float, description: str) -> None:
        """Count a part that is done; the description is printed beside it."""
        self.progress.add(cost_s)
        line = f"{self.progress}: {description}"
        self.bar.update(self.task, completed=self.progress.part, description=line)
        now = time.monotonic()
        if not self.is_live and (now - self.printed >= INTERVAL_S or self.progress.part == 1):
            self.printed = now
            print_line(self.console, line)


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print a line without markup, highlighting or wrapping."""
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
