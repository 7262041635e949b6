"""Sentence of a counterexample, for each kind of fault."""

from __future__ import annotations

from typing import Any

import pytest

from convgauge.conformance.checks import how_to_refuse
from convgauge.conformance.example_sentence import MAX_MESSAGE, example_sentence
from support.records import example

VALUE = {"kind": "values", "index": [0, 0, 1, 1], "got": "3", "expected": "4", "bound": "0", "outputs": 4}
RAISED = f"raised KeyError: 'same' (kernel.py:3); {how_to_refuse('KeyError')}"


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({}, " gives shape (1, 1, 3, 1), expected (1, 1, 1, 3)"),
        ({"kind": "dtype", "got": "float64", "expected": "float32"}, " gives dtype float64, expected float32"),
        (VALUE, " gives 3 at (0, 0, 1, 1), expected 4"),
        (VALUE | {"outputs": 1}, " gives 3, expected 4"),
        (VALUE | {"got": "nan"}, " gives nan at (0, 0, 1, 1), expected 4"),
        (VALUE | {"kind": "accuracy", "bound": "0.25"}, " gives 3 at (0, 0, 1, 1), expected 4 within 0.25"),
        (VALUE | {"kind": "gradient", "message": "the gradient by the weight is wrong"},
         ": the gradient by the weight is wrong, 3 at (0, 0, 1, 1), expected 4"),
        ({"kind": "gradient", "message": "the gradient by the bias: no gradient", "got": ""},
         ": the gradient by the bias: no gradient"),
        ({"kind": "raised", "got": "KeyError", "message": RAISED}, " raises KeyError: 'same' (kernel.py:3)"),
        ({"kind": "crashed", "message": "the implementation's process ended by signal 11"},
         ": the implementation's process ended by signal 11"),
        ({"kind": "side_effect", "message": "the call changed the input"}, ": the call changed the input"),
        ({"kind": "answered_invalid", "message": "answered a call that is an error: a stride of 0"},
         ": answered a call that is an error: a stride of 0"),
        ({"kind": "", "message": "there is no output"}, ": there is no output"),
    ],
)  # fmt: skip
def test_each_kind_of_fault_has_its_words(changes: dict[str, Any], result: str) -> None:
    assert example_sentence(example(**changes)) == f"padding (0, 1) on a 1×1 image{result}"


def test_earlier_calls_come_first() -> None:
    earlier = "n1c1h3w3_o1k1x1_s1x1_p0x0_d1x1_g1_float32;seed=4"
    assert example_sentence(example(after=[earlier])).startswith(
        "after a call with a 3×3 image: padding (0, 1) on a 1×1 image gives shape"
    )
    assert example_sentence(example(after=[earlier, "n2c1h3w3_o1k1x1_s1x1_p0x0_d1x1_g1_float32"])).startswith(
        "after 2 calls, the last with 2 images of 3×3: padding"
    )


def test_a_long_message_is_one_shortened_line() -> None:
    sentence = example_sentence(example(kind="", message="first line\n" + "x" * 500))
    assert "\n" not in sentence
    assert sentence.endswith("…")
    assert len(sentence) < MAX_MESSAGE + 50
