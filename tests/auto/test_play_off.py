"""Tests of the play-off, with a stopwatch whose times are known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from convgauge.auto.play_off import play_off
from convgauge.auto.stopwatch import Stopwatch

LATER = {"torch_conv2d": 0.4, "compiles": 0.2, "slow": 2.0}


class FakeStopwatch(Stopwatch):
    """Stopwatch that calls once and reads the seconds from the name that the call returns."""

    def __init__(self, first: dict[str, float]) -> None:
        super().__init__(threads=1)
        self.first, self.calls = dict(first), [""]

    def seconds(self, call: Callable[[], Any], calls: int = 1) -> float:
        name = call()
        self.calls.append(name)
        return self.first.pop(name, LATER[name])


def test_a_candidate_that_compiles_in_its_first_call_stays() -> None:
    stopwatch = FakeStopwatch({"compiles": 3.0, "slow": 3.0})
    runs = {name: partial(lambda name, _: name, name) for name in LATER}
    assert play_off(runs, None, stopwatch, seconds=0.0) == LATER
    assert stopwatch.calls.count("slow") == 2  # twice as a first call, and in no round


def test_a_real_play_off_times_all() -> None:
    torch = pytest.importorskip("torch")
    input, weight = torch.ones(1, 4, 9, 9), torch.ones(4, 4, 3, 3)
    runs = {name: lambda input: torch.conv2d(input, weight) for name in ("torch_conv2d", "twin")}
    seconds = play_off(runs, input, Stopwatch(threads=1), seconds=0.0)
    assert set(seconds) == set(runs)
    assert all(value > 0 for value in seconds.values())
