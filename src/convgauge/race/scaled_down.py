"""Smaller problems of the same kind, whose time predicts that of the whole problem."""

from __future__ import annotations

from collections.abc import Iterator

from convgauge.problem import Problem, ProblemError


def scaled_down(problem: Problem, max_flops: int) -> Problem:
    """Return a smaller problem of the same kind.

    Parameters
    ----------
    problem : Problem
        Problem whose sizes are halved until it is small enough.
    max_flops : int
        Bound in FLOPs. The result may exceed it if no size can be halved further.

    Returns
    -------
    Problem
        ``problem`` itself if it is small enough.
    """
    while problem.flops > max_flops:
        smaller = next((half for half in _halves(problem) if half.flops < problem.flops), None)
        if smaller is None:
            return problem
        problem = smaller
    return problem


def _halves(problem: Problem) -> Iterator[Problem]:
    """Yield the problem with one size halved.

    Channels come before rows and columns, because the cost of every algorithm is proportional to channels.
    """
    for change in _changes(problem):
        try:
            yield problem.replace(**change)
        except ProblemError:
            continue


def _changes(problem: Problem) -> Iterator[dict[str, int]]:
    if problem.batch > 1:
        yield {"batch": problem.batch // 2}
    per_group = {
        "out_channels": problem.out_channels // problem.groups,
        "in_channels": problem.in_channels // problem.groups,
    }
    for name in sorted(per_group, key=lambda name: -per_group[name]):
        if per_group[name] > 1:
            yield {name: problem.groups * (per_group[name] // 2)}
    if problem.groups > 1:
        groups = problem.groups // 2
        yield {"groups": groups, **{name: size * groups for name, size in per_group.items()}}
    for size in sorted(("height", "width"), key=lambda name: -getattr(problem, name)):
        yield {size: getattr(problem, size) // 2}
