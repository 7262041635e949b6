"""Operand sets of the timed calls of one race, and the exact answer of each call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from convgauge.problem import Problem
from convgauge.race.verification import ExpectedCall, Verification, flipped, readable_indices
from convgauge.race.workload import Drawn, Workload
from convgauge.worker.messages import Prepare
from convgauge.worker.operand_set import flip_number
from convgauge.worker.protocol import encode

Indices = Sequence[Sequence[Sequence[int]]]
"""For each operand set, the indices of elements of four axes, of the array that changes from call to call."""

HOT_SETS = 2
"""Number of operand sets that calls rotate through, so that no call repeats the one before."""

MAX_COLD_SETS = 64
"""Largest number of cold operand sets; otherwise as many as take twice the largest cache."""

UNKNOWN_CACHE_BYTES = 32 << 20
"""Size of the largest cache where the system does not report it."""


class TimedOperands:
    """Operand sets that all contestants of a race rotate through.

    Each call changes the sign of one element, so that an answer kept from an earlier call is wrong.
    """

    def __init__(self, verification: Verification, threads: int, *, is_cold: bool) -> None:
        self.work = verification.work
        self.sets = verification.sets(set_count(self.work.problem, largest_cache_bytes()) if is_cold else HOT_SETS)
        self.indices = [readable_indices(self.work, drawn, number) for number, drawn in enumerate(self.sets)]
        self.command = encode(prepare_command(self.work, self.sets, self.indices, threads))
        self._cases: dict[tuple[int, int], ExpectedCall] = {}

    def case(self, tick: int) -> ExpectedCall:
        """Return the exact case of call number ``tick``."""
        number = tick % len(self.sets)
        indices = self.indices[number]
        choice = flip_number(tick, len(self.sets), len(indices)) if indices else -1
        if (number, choice) not in self._cases:
            index = indices[choice] if indices else None
            self._cases[number, choice] = flipped(self.work, self.sets[number], index)
        return self._cases[number, choice]


def set_count(problem: Problem, cache_bytes: int) -> int:
    """Return the number of operand sets that take twice the cache, from `HOT_SETS` to `MAX_COLD_SETS`."""
    size = 4 * sum(math.prod(shape) for shape in (problem.input_shape, problem.weight_shape))
    return min(MAX_COLD_SETS, max(HOT_SETS, math.ceil(2 * cache_bytes / max(1, size))))


def prepare_command(work: Workload, sets: Sequence[Drawn], indices: Indices, threads: int) -> Prepare:
    """Return the command that puts operand sets in place and prepares for them.

    Parameters
    ----------
    work : Workload
        Problem and direction of the operands.
    sets : sequence of Drawn
        Operand sets that calls rotate through.
    indices : sequence
        For each set, the indices of elements whose sign calls may change.
    threads : int
        Threads of the framework.
    """
    arrays = [(drawn.operands.input, drawn.operands.weight, drawn.operands.bias) for drawn in sets]
    grad_outputs = [drawn.grad_output for drawn in sets if drawn.grad_output is not None]
    return Prepare(work.problem.text, arrays, indices, threads, grad_outputs, work.wanted)


def largest_cache_bytes() -> int:
    """Return the size of the processor's largest cache in bytes, or `UNKNOWN_CACHE_BYTES`. Source: Linux sysfs."""
    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        unit = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:], 1)
        sizes.append(int(text.rstrip("KM")) * unit)
    return max(sizes, default=UNKNOWN_CACHE_BYTES)
