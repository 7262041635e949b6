"""Tests of random problems: the same key gives the same problems, within the limits."""

from __future__ import annotations

import math

from convgauge.conformance.cases import visible_shares
from convgauge.conformance.random_problems import MAX_FLOPS, random_problems


def test_the_same_key_gives_the_same_problems() -> None:
    assert random_problems(30, "some") == random_problems(40, "some")[:30]
    assert random_problems(30, "some") != random_problems(30, "other")


def test_problems_are_small_and_depend_on_the_input() -> None:
    for problem in random_problems(200, "some"):
        assert 0 < problem.flops <= MAX_FLOPS
        assert math.prod(visible_shares(problem)) >= 0.25


def test_every_parameter_varies() -> None:
    problems = random_problems(300, "some")
    assert any(problem.padding == "same" for problem in problems)
    assert any(1 < problem.groups == problem.in_channels for problem in problems)
    for name in ("kernel", "stride", "dilation", "batch", "bias", "height"):
        assert len({getattr(problem, name) for problem in problems}) > 1
