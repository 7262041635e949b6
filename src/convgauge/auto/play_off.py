"""Play-off: candidates timed in turns on one layer, against the baseline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from convgauge.auto.candidates import BASELINE
from convgauge.auto.stopwatch import Stopwatch, calls_per_short_sample

if TYPE_CHECKING:
    import torch

    from convgauge.auto.candidates import Run

PLAY_OFF_S = 0.4
"""Seconds for the rounds of a play-off."""

MIN_PLAY_OFF_ROUNDS = 2
MAX_PLAY_OFF_ROUNDS = 20
"""Bounds of the number of rounds, whatever they take."""

DROP_FACTOR = 1.5
"""Factor by which a candidate may be slower than the fastest before it leaves a play-off."""

LONG_FIRST_CALL_S = 0.02
"""Seconds of a first call above which it is not repeated, unless it would make its candidate leave: below, a
library's work in first calls is a large part."""


def play_off(
    runs: Mapping[str, Run], input: torch.Tensor, stopwatch: Stopwatch, seconds: float = PLAY_OFF_S
) -> dict[str, float]:
    """Time candidates in turns; those that are too slow leave.

    Parameters
    ----------
    runs : mapping
        Prepared calls by name, the baseline included.
    input : torch.Tensor, shape (N, C, H, W)
        Input of all calls.
    stopwatch : Stopwatch
        Clock of the calls.
    seconds : float
        Time after which the rounds end.

    Returns
    -------
    dict
        Seconds of one call by name, the least of its samples.
    """
    least, started = {}, time.perf_counter()
    for name, run in runs.items():
        least[name] = stopwatch.seconds(partial(run, input))
        if least[name] < LONG_FIRST_CALL_S or least[name] > DROP_FACTOR * least[BASELINE]:  # it may have compiled
            least[name] = stopwatch.seconds(partial(run, input))
    calls = calls_per_short_sample(least[BASELINE])
    for done in range(MAX_PLAY_OFF_ROUNDS):
        if done >= MIN_PLAY_OFF_ROUNDS and time.perf_counter() - started > seconds:
            break
        bound = DROP_FACTOR * min(least.values())
        for name, run in runs.items():
            if least[name] <= bound or name == BASELINE:
                least[name] = min(least[name], stopwatch.seconds(partial(run, input), calls))
    return least
