"""Progress of a run: the remaining time, and the lines that report it."""

from __future__ import annotations

import time

import pytest

from convgauge import cli
from convgauge.conformance import progress
from convgauge.conformance.progress import ProgressReporter, RemainingTime, describe_duration


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


def test_a_line_is_written_every_interval(clock: list[float]) -> None:
    lines: list[str] = []
    reporter = ProgressReporter({"slow": 8.0, "fast": 1.0, "last": 1.0}, lines.append)
    clock[0] += progress.INTERVAL_S
    reporter.finish("slow")
    clock[0] += progress.INTERVAL_S / 2
    reporter.finish("fast")
    clock[0] += progress.INTERVAL_S
    reporter.finish("last")  # the end needs no line
    reporter.finish("unknown")
    assert lines == ["80%, about 2 s left"]


def test_a_check_prints_the_remaining_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "INTERVAL_S", 0.0)
    words = ["check", "numpy_windows", "--tier", "quick", "-k", "test_pair_pads or test_axes"]
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert " s left\n" in printed
    assert "\r" not in printed
    assert cli.main([*words, "-q"]) == 0
    assert " s left" not in capsys.readouterr().out
