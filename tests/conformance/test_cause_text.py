"""Text of causes: a headline, three lines for each, and what no cause explains."""

from __future__ import annotations

import pytest

from convgauge.conformance.cause_text import (
    LINE_CHARS,
    MAX_CAUSES,
    MAX_IDS,
    cause_lines,
    headline,
    numbered_lines,
)
from convgauge.results import CauseRecord, Judgement, SpecRecord
from support.records import cause, example, spec

WRONG = Judgement("wrong", "", 12, 0)
COMMAND = (
    "convgauge reproduce my_kernel.py:conv2d 'n1c1h1w1_o1k1x1_s1x1_p0x1_d1x1_g1_float32;seed=8' --spec " + "x" * 99
)


def failing(*ids: str) -> list[SpecRecord]:
    return [spec(id=id, status="failed") for id in ids]


@pytest.mark.parametrize(
    ("records", "causes", "sentence"),
    [
        (failing("a.b"), [cause(specs=["a.b"])], "1 cause explains the failing spec (0 unexplained)."),
        (failing("a.b", "c.d"), [cause(specs=["a.b"]), cause(specs=["c.d"])],
         "2 causes explain all 2 failing specs (0 unexplained)."),
        (failing("a.b", "c.d"), [cause(specs=["a.b"])], "1 cause explains 1 of 2 failing specs (1 unexplained)."),
        (failing("a.b", "c.d"), [cause(mechanism="", specs=["a.b"])], "No known cause explains the 2 failing specs."),
        (failing("a.b"), [], "No known cause explains the failing spec."),
        ([], [], ""),
    ],
)  # fmt: skip
def test_the_headline_counts_what_is_explained(
    records: list[SpecRecord], causes: list[CauseRecord], sentence: str
) -> None:
    assert headline(records, causes) == sentence


def test_a_cause_has_three_lines() -> None:
    assert numbered_lines(1, cause(specs=["a.b", "c.d"], cases=1393)) == [
        "1. padding: rows and columns are swapped          2 specs, 1,393 cases, wherever padding differs by axis",
        "   smallest: padding (0, 1) on a 1×1 image gives shape (1, 1, 3, 1), expected (1, 1, 1, 3)",
        "   again:    convgauge reproduce mine …",
    ]


def test_a_long_sentence_has_its_extent_below() -> None:
    sentence = "output: " + "the last block of columns is dropped " * 3
    lines = numbered_lines(2, cause(sentence=sentence.strip(), region=""))
    assert lines[2] == "   where:    1 spec, 9 cases"
    assert max(map(len, lines)) <= LINE_CHARS


def test_a_command_is_never_broken() -> None:
    lines = numbered_lines(1, cause(reproduce=COMMAND))
    assert lines[-1] == f"   again:    {COMMAND}"


def test_a_long_example_is_wrapped_below_its_label() -> None:
    lines = numbered_lines(1, cause(counterexample=example(kind="", message="a wrong output " * 9)))
    assert lines[2].startswith(" " * 13 + "wrong output")
    assert max(map(len, lines)) <= LINE_CHARS


def test_specs_without_a_cause_are_named_by_region_and_then_by_id() -> None:
    ids = [f"random.{number}" for number in range(MAX_IDS + 12)]
    records = failing("a.b", "c.d", *ids)
    unnamed = cause(mechanism="", sentence="few outputs are wrong", region="stride > 1", specs=["a.b", "c.d"], cases=1)
    lines = cause_lines(WRONG, records, [unnamed])
    assert lines[0] == "2 failing specs have no cause that fits: few outputs are wrong, wherever stride > 1, 1 case"
    assert lines[1].startswith("   smallest: ")
    assert lines[2] == "   again:    convgauge reproduce mine …"
    assert " ".join("".join(lines[3:]).split()) == (
        f"17 failing specs have no cause that fits: {', '.join(ids[:MAX_IDS])}, … and 12 more: -v"
    )
    assert ids[-1] in "".join(cause_lines(WRONG, records, [unnamed], shows_all=True))


def test_cases_that_a_cause_of_their_spec_does_not_explain_are_stated() -> None:
    causes = [cause(specs=["a.b"]), cause(mechanism="", sentence="few outputs are wrong", specs=["a.b"], cases=4)]
    assert cause_lines(WRONG, failing("a.b"), causes)[3:] == [
        "4 cases of specs explained above have no cause that fits: few outputs are wrong, wherever padding differs by",
        "   axis",
    ]


def test_further_causes_are_counted_unless_all_are_asked_for() -> None:
    causes = [cause(mechanism=f"m{number}", specs=["a.b"]) for number in range(MAX_CAUSES + 2)]
    lines = cause_lines(WRONG, failing("a.b"), causes)
    assert lines[-1] == "and 2 more causes: -v"
    assert len(cause_lines(WRONG, failing("a.b"), causes, shows_all=True)) == 3 * len(causes)


def test_what_is_not_the_cause_has_its_passing_cases() -> None:
    judgement = Judgement("wrong", "", 12, 0, cleared={"stride": 120, "bias": 2040})
    assert cause_lines(judgement, [], []) == ["not the cause: stride, bias (at least 120 cases each passed)"]
    judgement = Judgement("wrong", "", 12, 0, cleared={"stride": 1})
    assert cause_lines(judgement, [], []) == ["not the cause: stride (1 case passed)"]


def test_text_of_a_kernel_cannot_change_the_terminal() -> None:
    record = cause(counterexample=example(kind="", message="\x1b[31m"), reproduce="convgauge \x1b[31m")
    assert "\x1b" not in "".join(cause_lines(WRONG, failing("padding.same"), [record]))
