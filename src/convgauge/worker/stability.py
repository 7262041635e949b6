"""Repetition of a call, on one thread or on several at once, to find outputs that differ in a bit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

from convgauge.worker.frameworks import Array

SWITCH_INTERVAL_S = 1e-6  # with the usual 5 ms a thread rarely interrupts another in the middle of a short call

Compute = Callable[[Sequence[Array]], bytes]
"""Function from operands to the bytes of the output."""


def is_unstable(compute: Compute, arrays: Sequence[Array], output: np.ndarray, repeat: int, threads: int) -> bool:
    """Return True if any of ``repeat`` - 1 further calls gives other bits than the first.

    Parameters
    ----------
    compute : callable
        Function that makes one call.
    arrays : sequence
        Input, weight, and bias or None.
    output : ndarray
        Output of the first call.
    repeat : int
        Number of calls, the first included.
    threads : int
        Number of threads that call at the same time.
    """
    if threads == 1:
        return any(compute(arrays) != output.tobytes() for _ in range(repeat - 1))
    return _differs_between_threads(compute, _variants(arrays), repeat - 1, threads)


def _variants(arrays: Sequence[Array]) -> list[list[Array]]:
    """Return operands with the sign of one of them changed: a kernel's globals would mix up simultaneous calls."""
    input, weight, bias = arrays
    variants = [[input, weight, bias], [-input, weight, bias], [input, -weight, bias]]
    return variants if bias is None else [*variants, [input, weight, -bias]]


def _differs_between_threads(compute: Compute, variants: list[list[Array]], calls: int, threads: int) -> bool:
    expected = [compute(variant) for variant in variants]
    start = Barrier(threads)

    def differs(thread: int) -> bool:
        start.wait()
        for number in range(thread, calls, threads):
            index = number % len(variants)
            if compute(variants[index]) != expected[index]:
                return True
        return False

    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return any(list(pool.map(differs, range(threads))))
    finally:
        sys.setswitchinterval(interval)
