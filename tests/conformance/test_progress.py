"""The time that is left: what is told of it, and how that looks where there is no terminal."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from convgauge import cli
from convgauge.cluster import progress_bar
from convgauge.cluster.progress_bar import Meter
from convgauge.conformance import progress
from convgauge.conformance.progress import RemainingTime, describe_duration


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until its only element is changed."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "less than 1 s"), (41.7, "about 42 s"), (240, "about 4 min"), (9000, "about 2.5 h")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert describe_duration(seconds) == words


def test_the_time_left_follows_the_costs_not_the_number_of_parts(clock: list[float]) -> None:
    left = RemainingTime(10.0)
    assert left.seconds is None
    assert str(left) == "0%"
    left.add(8.0)
    clock[0] += 40
    assert left.seconds == pytest.approx(10.0)
    assert str(left) == "80%, about 10 s left"
    left.add(2.0)
    assert str(left) == "100%"


def test_nothing_to_do_is_done() -> None:
    assert RemainingTime(0.0).part == 1


def test_a_pipe_gets_a_line_now_and_then(clock: list[float]) -> None:
    told = io.StringIO()
    with Meter(Console(file=told), 100.0) as shown:
        for number in range(100):
            clock[0] += progress_bar.INTERVAL_S / 4
            shown.add(1.0, f"part {number}")
    lines = list(filter(None, told.getvalue().splitlines()))  # older versions of rich end with an empty one
    assert len(lines) == 25
    assert lines[0] == "4%, about 4 min left: part 3"
    assert lines[-1] == "100%: part 99"
    assert "\x1b" not in told.getvalue()


def test_a_terminal_gets_a_bar() -> None:
    told = io.StringIO()
    with Meter(Console(file=told, force_terminal=True), 2.0) as shown:
        shown.add(1.0, "part 1")
        shown.bar.refresh()
    assert "50%" in told.getvalue()
    assert "part 1" in told.getvalue()


def test_a_check_tells_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "INTERVAL_S", 0.0)
    words = ["check", "numpy_windows", "--tier", "quick", "-k", "test_pair_pads or test_axes"]
    assert cli.main(words) == 0
    said = capsys.readouterr().out
    assert " s left\n" in said
    assert "\r" not in said
    assert cli.main([*words, "-q"]) == 0
    assert " s left" not in capsys.readouterr().out
