"""Smaller problems of the same kind, whose time predicts that of the whole problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from convgauge.problem import Problem, ProblemError

MAX_EXCESS = 16
"""Factor by which a part with the smallest image may exceed the bound before its channels are halved too.

The smallest image of a layer of resnet50 has up to 4.7 MFLOPs: one output pixel of 3 x 3 x 512 x 512 products.
"""

Halves = Callable[[Problem], Iterator[dict[str, int]]]


def scaled_down(problem: Problem, max_flops: int) -> Problem:
    """Return a smaller problem of the same kind.

    The batch is halved first, then rows and columns, both if they are equal. Channels and groups stay, because many
    kernels need multiples of some number of them. They are halved if the smallest image is far too large.

    Parameters
    ----------
    problem : Problem
        Problem whose sizes are halved until it is small enough.
    max_flops : int
        Bound in FLOPs. The result may exceed it by `MAX_EXCESS`.

    Returns
    -------
    Problem
        ``problem`` itself if it is small enough.
    """
    part = _halved(problem, max_flops, _image_halves)
    return part if part.flops <= MAX_EXCESS * max_flops else _halved(part, max_flops, _channel_halves)


def parts(problem: Problem, max_flops: int) -> list[Problem]:
    """Return parts of a problem, from one of about ``max_flops`` to the problem itself.

    An implementation that refuses a small image may answer a larger one.
    """
    bounds = [max(max_flops, problem.flops // divisor) for divisor in (problem.flops or 1, 64, 4)]
    return list(dict.fromkeys([*(scaled_down(problem, bound) for bound in bounds), problem]))


def _halved(problem: Problem, max_flops: int, halves: Halves) -> Problem:
    """Halve sizes until a problem is small enough, or no size can be halved further."""
    while problem.flops > max_flops:
        smaller = next((part for part in _valid(problem, halves(problem)) if part.flops < problem.flops), None)
        if smaller is None:
            return problem
        problem = smaller
    return problem


def _valid(problem: Problem, changes: Iterable[dict[str, int]]) -> Iterator[Problem]:
    for change in changes:
        try:
            yield problem.replace(**change)
        except ProblemError:
            continue


def _image_halves(problem: Problem) -> Iterator[dict[str, int]]:
    if problem.batch > 1:
        yield {"batch": problem.batch // 2}
    if problem.height == problem.width:
        yield {"height": problem.height // 2, "width": problem.width // 2}
    for size in sorted(("height", "width"), key=lambda name: -getattr(problem, name)):
        yield {size: getattr(problem, size) // 2}


def _channel_halves(problem: Problem) -> Iterator[dict[str, int]]:
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
