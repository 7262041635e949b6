"""Smaller problems of the same kind, from whose time the whole one's is foretold."""

from __future__ import annotations

from convgauge.problem import Problem, ProblemError


def part_of(problem: Problem, flops: int) -> Problem:
    """A smaller problem of the same kind with at most ``flops`` FLOPs, or as near as halving sizes comes."""
    while problem.flops > flops:
        smaller = [one for one in _halved(problem) if one.flops < problem.flops]
        if not smaller:
            return problem
        problem = smaller[0]
    return problem


def _halved(problem: Problem) -> list[Problem]:
    """The problem with one size halved; channels before rows and columns, as every algorithm's cost follows them."""
    changes: list[dict[str, int]] = []
    if problem.batch > 1:
        changes.append({"batch": problem.batch // 2})
    each = {
        "out_channels": problem.out_channels // problem.groups,
        "in_channels": problem.in_channels // problem.groups,
    }
    largest = sorted((name for name in each if each[name] > 1), key=lambda name: -each[name])
    changes += [{name: problem.groups * (each[name] // 2)} for name in largest]
    if problem.groups > 1:
        fewer = problem.groups // 2
        changes.append({"groups": fewer, **{name: size * fewer for name, size in each.items()}})
    sizes = sorted(("height", "width"), key=lambda name: -getattr(problem, name))
    changes += [{size: getattr(problem, size) // 2} for size in sizes]
    found = []
    for change in changes:
        try:
            found.append(problem.replace(**change))
        except ProblemError:
            continue
    return found
