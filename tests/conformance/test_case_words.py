"""Words of a case: only the parameters that are not trivial."""

from __future__ import annotations

import pytest

from convgauge.conformance.case_words import case_words, parameter_count

PLAIN = "n1c1h1w1_o1k1x1_s1x1_p0x0_d1x1_g1_float32"


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (PLAIN, "a 1×1 image"),
        ("n1c1h1w1_o1k1x1_s1x1_p0x1_d1x1_g1_float32", "padding (0, 1) on a 1×1 image"),
        ("n1c1h4w5_o1k3x2_s2x2_p1x1_d1x1_g1_float32", "kernel 3×2, stride 2, padding 1 on a 4×5 image"),
        ("n3c2h9w9_o4k1x1_s1x1_psame_d1x2_g2_b_float16",
         "2 input channels, 4 output channels, padding 'same', dilation (1, 2), 2 groups, a bias, float16"
         " on 3 images of 9×9"),
        ("n0c0h1w1_o1k1x1_s1x1_p0x0_d1x1_g1_float32", "0 input channels on 0 images of 1×1"),
        (f"{PLAIN};operands=gaussian;layouts=fortran,contiguous,contiguous",
         "gaussian operands, fortran input on a 1×1 image"),
        (f"{PLAIN};padding:[1, 0]", "a 1×1 image, called with padding=[1, 0]"),
        ("a text that is no case", "a text that is no case"),
    ],
)  # fmt: skip
def test_trivial_parameters_are_left_out(problem: str, words: str) -> None:
    assert case_words(problem) == words


def test_fields_of_a_counterexample_count_too() -> None:
    layouts = ("contiguous", "negative", "contiguous")
    assert case_words(PLAIN, "wide", layouts, "stride=1.0") == (
        "wide operands, negative weight on a 1×1 image, called with stride=1.0"
    )


def test_an_argument_that_the_call_spells_is_named_once() -> None:
    problem = "n1c1h1w1_o1k1x1_s1x1_p1x0_d1x1_g1_float32"
    assert case_words(problem, arguments="padding=[1, 0]") == "a 1×1 image, called with padding=[1, 0]"


def test_parameters_that_are_not_trivial_are_counted() -> None:
    assert parameter_count(PLAIN) == 0
    assert parameter_count("n1c1h4w5_o1k3x2_s2x2_p1x1_d1x1_g1_float32") == 3
    assert parameter_count("no problem") == 0
