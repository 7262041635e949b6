"""Text of a run for a terminal."""

from __future__ import annotations

from convgauge.conformance.terminal import MAX_PRINTED_CHARS, report_text, verdict_line
from convgauge.results import Counterexample, Judgement, SpecRecord

EXAMPLE = Counterexample(
    "n1c1h2w2_o1k1x1_s1x1_p0x0_d1x1_g1_float32",
    "exact",
    7,
    "1 of 4 outputs are wrong",
    "convgauge reproduce mine …",
    layouts=["fortran", "contiguous", "contiguous"],
    index=[0, 0, 1, 1],
    got="3",
    expected="4",
    bound="0",
    printed="x" * 2 * MAX_PRINTED_CHARS + "\nlast line\x1b[31m",
)
FAILED = SpecRecord(
    "mine",
    "padding.pair",
    "required",
    "failed",
    9,
    "float32",
    "cpu",
    counterexample=EXAMPLE,
    sentence="A pair pads rows, then columns.",
    outcomes={"failed": 1, "passed": 8},
)


def test_the_report_of_a_fault_answers_what_a_reader_asks() -> None:
    text = report_text(FAILED)
    for part in (
        "mine: padding.pair (required) failed in float32 on cpu",
        "A pair pads rows, then columns.",
        f"problem   {EXAMPLE.problem}",
        "operands  exact, seed 7, layouts fortran/contiguous/contiguous",
        "1 of 4 outputs are wrong",
        "first at  (0, 0, 1, 1): got 3, expected 4 (within 0)",
        "cases     1 failed, 8 passed",
        "again     convgauge reproduce mine …",
    ):
        assert part in text


def test_printed_text_is_shortened_and_harmless() -> None:
    text = report_text(FAILED)
    assert text.count("x" * (MAX_PRINTED_CHARS // 2)) == 1
    assert "last line" in text
    assert "\x1b" not in text


def test_a_spec_that_passed_shows_reason_and_note() -> None:
    record = SpecRecord("mine", "padding.pair", "required", "passed", 9, reason="", note="8 layers on fewer pixels")
    assert report_text(record) == "8 layers on fewer pixels"


def test_the_verdict_of_an_implementation_is_one_line() -> None:
    judgement = Judgement("partial", "A", 12, 3, {"passed": 4, "timed_out": 1})
    assert verdict_line("mine\n", judgement).startswith("mine")
    assert verdict_line("mine", judgement) == (
        "mine: partial, accuracy grade A; 12 cases judged (3 declined);"
        " specs: 4 passed, 1 timed out"
    )  # fmt: skip
    assert verdict_line("mine", Judgement("unjudged", "", 0, 0)).endswith("specs: none")
