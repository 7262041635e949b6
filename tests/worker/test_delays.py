"""Tests of the time that delays take from calls."""

from __future__ import annotations

from convgauge.worker.delays import without_preemption


def test_delays_are_subtracted_from_samples() -> None:
    assert without_preemption([(100, 0, 1), (100, 0, 1), (100, 0, 1)]) == 300
    assert without_preemption([(100, 0, 1), (5100, 5000, 1), (100, 0, 1)]) == 300
    assert without_preemption([(100, 0, 1), (100, 5000, 1), (100, 0, 1)]) == 300, (
        "a delay between the two clocks' readings"
    )
    assert without_preemption([(800, 0, 8), (5400, 5000, 4)]) == 1200, "the number of calls is kept"
    assert without_preemption([(9000, 5000, 1), (8000, 4000, 1)]) == 8000
    assert without_preemption([(100, 5000, 1)]) == 10
