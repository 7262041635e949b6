"""Trials: families of mechanisms try their parameters on a few failing calls before they propose them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from convgauge.diagnosis.mechanism import Mechanism
from convgauge.diagnosis.outcome import outcome
from convgauge.diagnosis.sample import Sample

MAX_TRIALS = 6
"""Failing calls on which the parameters of a family are tried."""

MAX_FLOPS = 1_000_000
"""Operations of a call on which parameters are tried: a prediction takes about 1 ms."""


def failing_calls(samples: Sequence[Sample], count: int = MAX_TRIALS) -> list[Sample]:
    """Return a few failing plain calls: the smaller half of them, evenly spread."""
    failing = [each for each in samples if each.fault is not None and each.is_plain and each.problem.flops <= MAX_FLOPS]
    failing.sort(key=lambda each: (each.family != "exact", each.problem.flops))
    half = failing[: max(count, len(failing) // 2)]
    step = max(1, len(half) // count)
    return half[::step][:count]


def predicting(mechanisms: Iterable[Mechanism], failing: Sequence[Sample], most: int) -> Iterator[Mechanism]:
    """Yield the mechanisms that predict one of the failing calls, at most a given number."""
    proposed = 0
    for mechanism in mechanisms:
        if any(outcome(mechanism, sample) == "fits" for sample in failing):
            yield mechanism
            proposed += 1
            if proposed == most:
                return
