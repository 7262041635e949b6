"""Tests of features: letters of problems and of layouts."""

from __future__ import annotations

from convgauge.conformance.features import FEATURES, feature_letters
from convgauge.problem import Problem


def test_the_plainest_problem_has_no_letter_but_that_of_its_kernel() -> None:
    assert feature_letters(Problem(height=4, width=4, kernel=(3, 3))) == ""
    assert feature_letters(Problem(height=4, width=4)) == "x"


def test_letters_are_in_the_order_of_the_features() -> None:
    problem = Problem(2, 4, 9, 8, 6, kernel=(4, 2), stride=(2, 3), padding=(1, 0), dilation=(1, 2), groups=2, bias=True)
    letters = feature_letters(problem, ("fortran", "negative", "contiguous"))
    assert letters == "".join(letter for letter in FEATURES if letter in letters)
    assert set("sutpqdegbniokvyhlf") <= set(letters)
    assert not set("wmxcz") & set(letters)
