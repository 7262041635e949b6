"""Terminal that keeps the lines which are written to it."""

from __future__ import annotations

from types import SimpleNamespace


class RecordingTerminal:
    """Stand-in for the terminal reporter of pytest, as far as a summary uses it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.stats: dict[str, list[object]] = {}
        self.config = SimpleNamespace(option=SimpleNamespace(tbstyle="auto"))

    def write_line(self, text: str, **markup: bool) -> None:
        """Keep the lines of a text."""
        self.lines += text.split("\n")

    def section(self, title: str, **markup: object) -> None:
        """Keep the line of a title."""
        self.lines.append(title)
