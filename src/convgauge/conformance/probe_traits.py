"""Traits of probes, and the choice of those that combine traits which no probe has combined yet.

Most limits depend on one or two fields. Random cases leave some pairs of traits out, so they are chosen by new pairs.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from convgauge.conformance.cases import Case
from convgauge.conformance.features import feature_letters

Traits = frozenset[str]
Pairs = frozenset[tuple[str, str]]

DIVISORS = (2, 4, 8)
"""Divisors of sizes that count as traits: a vector has 2, 4 or 8 elements."""


def traits(case: Case) -> Traits:
    """Return the traits of a case: features of its problem, divisors of its sizes, dtype, spellings and layouts."""
    problem = case.problem
    sizes = {
        "in_channels": problem.in_channels,
        "out_channels": problem.out_channels,
        "height": problem.height,
        "width": problem.width,
        "batch": problem.batch,
    }
    multiples = (f"{name} % {divisor}" for name, size in sizes.items() for divisor in DIVISORS if size % divisor == 0)
    spellings = (f"{name}: {type(value).__name__}" for name, value in case.arguments)
    bias = "bias" if problem.bias else "no bias"
    return frozenset([*feature_letters(problem, case.layouts), *multiples, *spellings, bias, problem.dtype])


def pairs(case: Case) -> Pairs:
    """Return the pairs of traits that a case combines."""
    return frozenset(itertools.combinations(sorted(traits(case)), 2))


def spread(groups: Sequence[frozenset[object]], count: int, covered: set[object]) -> list[int]:
    """Return the numbers of the groups that cover the most elements, each chosen by those that are not covered yet.

    Parameters
    ----------
    groups : sequence of frozenset
        Elements of each group.
    count : int
        Number of groups to choose.
    covered : set
        Elements that are covered; those of the chosen groups are added.
    """
    chosen: list[int] = []
    for _ in range(min(count, len(groups))):
        left = (number for number in range(len(groups)) if number not in chosen)
        best = max(left, key=lambda number: len(groups[number] - covered))
        chosen.append(best)
        covered |= groups[best]
    return chosen
