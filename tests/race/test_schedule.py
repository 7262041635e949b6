"""Tests of the order of contestants in each round."""

from __future__ import annotations

import numpy as np

from convgauge.race.schedule import latin_square


def test_each_contestant_stands_once_at_each_position() -> None:
    square = latin_square(7, np.random.default_rng(0))
    for lines in (square, square.T):
        assert all(sorted(line) == list(range(7)) for line in lines)
    assert (square != latin_square(7, np.random.default_rng(1))).any()
