"""Results as JUnit XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from convgauge.cli import main
from convgauge.report.junit_xml import junit
from convgauge.results import (
    Counterexample,
    Record,
)
from convgauge.terms import Requirement
from support.records import cause, run, spec, write_run

COUNTS = ("tests", "failures", "errors", "skipped")


def test_junit_has_a_test_a_result_and_an_error_for_what_was_cut_off(tmp_path: Path) -> None:
    case = Counterexample("p", "exact", 1, "one off", "convgauge reproduce a p --spec padding.same")
    records = [
        spec(status="failed", reason="<b>\x1b\uffff", counterexample=case, sentence="It pads."),
        spec(id="padding.word", status="declined", reason="no words"),
        spec(id="padding.pair", status="crashed", level="recommended"),
        spec("b", id="padding.pair", status="timed_out"),
        spec("b"),
    ]
    path = write_run(tmp_path / "run.jsonl", *records)
    junit = tmp_path / "junit.xml"
    assert main(["report", str(path), "--output", str(tmp_path / "site"), "--junitxml", str(junit)]) == 0
    suites = ElementTree.parse(junit).getroot()
    counts = {suite.get("name"): [int(suite.get(n, -1)) for n in COUNTS] for suite in suites}
    assert counts == {"a": [3, 1, 0, 2], "b": [2, 0, 1, 0], "run.jsonl": [1, 0, 1, 0]}
    failure = suites.find(".//failure")
    assert failure is not None
    assert failure.attrib == {"type": "failed", "message": r"<b>\x1b?"}
    assert failure.text == "It pads.\nconvgauge reproduce a p --spec padding.same"


@pytest.mark.parametrize(
    ("require", "failures", "skipped"), [("correct", 0, 3), ("complete", 3, 1), ("conformant", 4, 0)]
)
def test_the_requirement_of_the_run_decides_what_fails(require: Requirement, failures: int, skipped: int) -> None:
    records = [
        spec(id="a", status="refused", outcomes={"refused": 3}),
        spec(id="b", status="declined", outcomes={"declined": 3}),
        spec(id="c", status="answered_invalid", outcomes={"answered_invalid": 1}),
        spec(id="d", status="passed", outcomes={"passed": 3, "refused": 1}),
    ]
    (suite,) = ElementTree.fromstring(junit([run(*records, require=require)]))
    assert [int(suite.get(name, -1)) for name in COUNTS] == [4, failures, 0, skipped]


def test_causes_are_in_the_failures_and_in_the_output_of_the_suite() -> None:
    records: list[Record] = [
        spec(status="failed", sentence="It pads.", reason="wrong"),
        spec(id="padding.pair", status="failed", reason="wrong"),
        cause(sentence="padding: <swapped>"),
    ]
    suites = ElementTree.fromstring(junit([run(*records)]))
    explained, unexplained = suites.iter("failure")
    assert explained.text == "It pads.\ncause: padding: <swapped> (1 spec, 9 cases, wherever padding differs by axis)"
    assert not unexplained.text
    output = suites.findtext(".//testsuite/system-out")
    assert output is not None
    assert output.splitlines()[0] == "1 cause explains 1 of 2 failing specs (1 unexplained)."
    assert "1. padding: <swapped>" in output
    assert "1 failing spec has no cause that fits: padding.pair" in output


def test_a_suite_without_causes_has_no_output() -> None:
    assert "system-out" not in junit([run(spec(), spec(id="padding.pair", status="failed"))])
