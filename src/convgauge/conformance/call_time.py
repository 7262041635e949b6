"""Prediction of the time of large calls, so that a slow implementation is not judged by a time-out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convgauge.conformance.cases import Case
from convgauge.conformance.judge import Judge
from convgauge.problem import Problem

MAX_CALL_S = 1.0
"""Predicted seconds of a call that is made: a twentieth of the limit of a call, as a prediction may be wrong."""
SHARES = (128, 8)
"""Divisors of the height or the channels of a problem in the calls that predict its time, one after the other."""
MAX_LEFT_OUT = 2
"""Problems that are left out one after the other before all larger ones are left out without a call."""


def within_time(judge: Judge, problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that the subject answers in `MAX_CALL_S`; skip the spec if there is none.

    The time of a call grows at most in proportion to the height of the image and to the channels of a group, and less
    if a call has a constant cost. A call on a part therefore gives an upper bound. A second, larger part gives a closer
    one.
    """
    problems = list(problems)
    if judge.setting.only is not None:
        return problems
    left_out: set[Problem] = set()
    in_a_row = 0
    for problem in sorted(problems, key=lambda problem: problem.flops):
        is_due = in_a_row < MAX_LEFT_OUT and _is_within_time(judge, problem)
        in_a_row = 0 if is_due else in_a_row + 1
        if not is_due:
            left_out.add(problem)
    if len(left_out) == len(set(problems)):
        judge.skip(f"its calls on parts of these problems predict more than {MAX_CALL_S:g} s for the whole")
    if left_out:
        judge.note(f"{len(left_out)} of {len(problems)} problems left out: its calls would take too long")
    return [problem for problem in problems if problem not in left_out]


def _is_within_time(judge: Judge, problem: Problem) -> bool:
    """Return True if a call on a part of a problem predicts at most `MAX_CALL_S`, or is not answered."""
    per_flop = 0.0
    for part in _parts(problem):
        if per_flop * part.flops > MAX_CALL_S:
            return False
        for _ in range(2):  # the first call on a shape may compile code
            observation = judge.observe(Case(part))
            if observation.kind != "answer":
                return observation.kind != "timed_out"
            per_flop = observation.seconds / part.flops
            if per_flop * problem.flops <= MAX_CALL_S:
                return True
            if observation.seconds > MAX_CALL_S:
                break
    return False


def smallest_part(problem: Problem) -> Problem:
    """Return the first problem by which the time of a large one is predicted."""
    return next(_parts(problem))


def _parts(problem: Problem) -> Iterator[Problem]:
    """Yield parts of a problem, the smallest first: of less height, and of fewer channels if that is not enough."""
    least = min(problem.height, max(1, problem.extent[0] - sum(problem.pads[0])))
    channels = problem.in_channels // problem.groups
    parts = []
    for share in SHARES:
        height = max(least, problem.height // share)
        rest = max(1, share * height // problem.height)
        fewer = problem.groups * max(1, channels // rest) if rest > share // 2 else problem.in_channels
        parts.append(problem.replace(height=height, in_channels=fewer))
    yield from dict.fromkeys(parts)
