"""Reduction of a failing case: the smallest case that still fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from convgauge.conformance.cases import Case
from convgauge.domain import CONTIGUOUS
from convgauge.problem import Problem, ProblemError


def shrink(case: Case, fails: Callable[[Case], bool], budget: int, deadline: float) -> Case:
    """Return a failing case of which no single simplification fails, or the last one when the budget is exhausted.

    Each step takes the first simplification that fails. The largest simplifications are tried first, so that few trials
    are needed.

    Parameters
    ----------
    case : Case
        Case that fails.
    fails : callable
        Function of a case that returns True if it fails.
    budget : int
        Number of trials.
    deadline : float
        Seconds of `time.monotonic` after which no trial begins.
    """
    progress = True
    while progress:
        progress = False
        for candidate in simplifications(case):
            if budget <= 0 or time.monotonic() > deadline:
                return case
            budget -= 1
            if fails(candidate):
                case, progress = candidate, True
                break
    return case


def simplifications(case: Case) -> Iterator[Case]:
    """Yield simplifications of a case, the largest first; each is valid and smaller in some parameter."""
    if case.layouts != CONTIGUOUS:
        yield replace(case, layouts=CONTIGUOUS)
        for index in range(3):
            if case.layouts[index] != "contiguous":
                layouts = list(case.layouts)
                layouts[index] = "contiguous"
                yield replace(case, layouts=(layouts[0], layouts[1], layouts[2]))
    spelled = {name for name, _ in case.arguments}
    for changes in _changes(case.problem):
        if spelled & set(changes):  # the call spells this argument itself: its problem would not change
            continue
        try:
            problem = case.problem.replace(**changes)
        except ProblemError:
            continue
        if problem != case.problem:
            yield replace(case, problem=problem)


def _changes(problem: Problem) -> Iterator[dict[str, Any]]:
    """Yield changes of parameters, the largest first."""
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
        minimum = 0 if name == "padding" else 1
        for axis in (0, 1):
            for value in _lower(pair[axis], minimum):
                yield {name: (value, pair[1]) if axis == 0 else (pair[0], value)}
    if problem.batch > 1:
        yield {"batch": problem.batch - 1}


def _sizes(problem: Problem) -> Iterator[dict[str, Any]]:
    """Yield smaller sizes of the input."""
    for name in ("height", "width"):
        for value in _lower(getattr(problem, name), 1):
            yield {name: value}


def _lower(value: int, minimum: int) -> list[int]:
    """Return the minimum, half of ``value`` and its predecessor; multiples of the minimum if that is more than 1."""
    step = max(1, minimum)
    return [lower for lower in sorted({minimum, value // 2 // step * step, value - step}) if minimum <= lower < value]
