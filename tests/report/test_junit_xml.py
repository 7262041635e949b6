"""Results as JUnit XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from convgauge.cli import main
from convgauge.results import (
    Counterexample,
)
from support.records import spec, write_run

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
