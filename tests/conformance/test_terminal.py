"""Text of a run for a terminal."""

from __future__ import annotations

import msgspec

from convgauge.conformance.terminal import MAX_PRINTED_CHARS, report_text
from convgauge.results import Counterexample, SpecRecord

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


def test_a_spec_that_was_given_up_has_no_cases() -> None:
    text = report_text(msgspec.structs.replace(FAILED, status="crashed", outcomes={}))
    assert "cases     none: the implementation was given up before its first case" in text


def test_unanswered_cases_are_reported_where_they_fail() -> None:
    record = msgspec.structs.replace(
        FAILED,
        status="passed",
        counterexample=None,
        outcomes={"passed": 5, "refused": 4},
        refusals={"groups are not supported": 3, "padding by name": 1},
    )
    assert report_text(record) == ""
    assert report_text(record, "complete").splitlines() == [
        "mine: padding.pair (required) has unanswered cases in float32 on cpu, and the verdict must be complete",
        "  A pair pads rows, then columns.",
        "  cases     5 passed, 4 refused",
        "  refused   groups are not supported (3 cases); padding by name (1 case)",
    ]
