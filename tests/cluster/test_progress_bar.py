"""Progress of a cluster's run on a terminal and in a pipe."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from convgauge.cluster.progress_bar import ProgressBar
from convgauge.conformance.progress import INTERVAL_S


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until its only element is changed."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_pipe_gets_a_line_every_interval(clock: list[float]) -> None:
    output = io.StringIO()
    with ProgressBar(Console(file=output), 100.0) as bar:
        for number in range(100):
            clock[0] += INTERVAL_S / 4
            bar.add(1.0, f"part {number}")
    lines = list(filter(None, output.getvalue().splitlines()))  # older versions of rich end with an empty one
    assert len(lines) == 25
    assert lines[0] == "4%, about 4 min left: part 3"
    assert lines[-1] == "100%: part 99"
    assert "\x1b" not in output.getvalue()


def test_a_terminal_gets_a_bar() -> None:
    output = io.StringIO()
    with ProgressBar(Console(file=output, force_terminal=True), 2.0) as bar:
        bar.add(1.0, "part 1")
        bar.bar.refresh()
    assert "50%" in output.getvalue()
    assert "part 1" in output.getvalue()
