"""Closed sets of words, and their orders."""

from __future__ import annotations

from convgauge import terms
from convgauge.terms import FAULTS, GRAVITY


def test_faults_are_the_gravest_statuses() -> None:
    assert len(set(GRAVITY)) == len(GRAVITY) == 12
    assert set(GRAVITY[: len(FAULTS)]) == set(FAULTS)
    assert set(FAULTS) == {"failed", "errored", "crashed", "timed_out", "xpassed", "vacuous"}
    assert GRAVITY[-1] == "passed"


def test_ranked_verdicts_are_those_of_a_timed_implementation_with_correct_outputs() -> None:
    assert set(terms.RANKED) == {"baseline", "faster", "same", "slower", "undecided"}


def test_a_profile_includes_those_before_it() -> None:
    assert terms.includes("training", "kernel")
    assert terms.includes("kernel", "kernel")
    assert not terms.includes("kernel", "functional")
