"""Making a failing case smaller while it still fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from convgauge.conformance.cases import Case
from convgauge.problem import Problem, ProblemError
from convgauge.worker.call import CONTIGUOUS


def smaller(case: Case, fails: Callable[[Case], bool], budget: int, deadline: float) -> Case:
    """A case that still fails and of which no single simplification does, or the best found within ``budget`` trials.

    ``deadline`` is in seconds of `time.monotonic`. Each step takes the first simplification under which ``fails``
    holds, the largest ones first, so that the result is found in few trials.
    """
    progress = True
    while progress:
        progress = False
        for candidate in simpler(case):
            if budget <= 0 or time.monotonic() > deadline:
                return case
            budget -= 1
            if fails(candidate):
                case, progress = candidate, True
                break
    return case


def simpler(case: Case) -> Iterator[Case]:
    """Simplifications of a case, the largest steps first; each is a valid problem and smaller in some parameter."""
    if case.layouts != CONTIGUOUS:
        yield replace(case, layouts=CONTIGUOUS)
        for place in range(3):
            if case.layouts[place] != "contiguous":
                kept = list(case.layouts)
                kept[place] = "contiguous"
                yield replace(case, layouts=(kept[0], kept[1], kept[2]))
    spelled = {name for name, _ in case.arguments}
    for changes in _changes(case.problem):
        if spelled & set(changes):  # the call spells this argument itself and would no longer pose the problem
            continue
        try:
            problem = case.problem.replace(**changes)
        except ProblemError:
            continue
        if problem != case.problem:
            yield replace(case, problem=problem)


def _changes(problem: Problem) -> Iterator[dict[str, Any]]:
    yield {"batch": min(1, problem.batch)}
    yield {"bias": False}
    yield {"groups": 1, "in_channels": 1, "out_channels": 1}
    yield {"groups": 1, "in_channels": problem.in_channels // problem.groups}
    for name in ("dilation", "stride"):
        yield {name: (1, 1)}
    if not isinstance(problem.padding, str):
        yield {"padding": (0, 0)}
    yield {"in_channels": problem.groups, "out_channels": problem.groups}
    for channels in ("in_channels", "out_channels"):
        for value in _lower(getattr(problem, channels), problem.groups):
            yield {channels: value}
    yield from _sizes(problem)
    for name in ("kernel", "stride", "dilation", "padding"):
        pair = getattr(problem, name)
        if isinstance(pair, str):
            continue
        least = 0 if name == "padding" else 1
        for axis in (0, 1):
            for value in _lower(pair[axis], least):
                yield {name: (value, pair[1]) if axis == 0 else (pair[0], value)}
    if problem.batch > 1:
        yield {"batch": problem.batch - 1}


def _sizes(problem: Problem) -> Iterator[dict[str, Any]]:
    for name in ("height", "width"):
        for value in _lower(getattr(problem, name), 1):
            yield {name: value}


def _lower(value: int, least: int) -> list[int]:
    """Values below ``value`` to try: the least, a half, one less (multiples of ``least`` where it is above 1)."""
    step = max(1, least)
    tried = sorted({least, value // 2 // step * step, value - step})
    return [one for one in tried if least <= one < value]
