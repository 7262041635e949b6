"""The Markdown summary."""

from __future__ import annotations

import re

from convgauge import report
from convgauge.results import (
    Counterexample,
)
from support import synthetic_runs
from support.records import cause, example, run, spec


def test_the_summary_lists_verdicts_and_how_to_reproduce() -> None:
    case = Counterexample("p", "exact", 1, "one off | <b>", "convgauge reproduce a p --spec padding.same")
    text = report.markdown([run(spec(status="failed", counterexample=case), spec("b"), footer=False)])
    assert "| a | wrong |" in text
    assert "**Incomplete**" in text
    assert "one off \\| &lt;b&gt;" in text
    assert "` convgauge reproduce a p --spec padding.same `" in text


def test_the_summary_shows_coverage_strictness_and_limits() -> None:
    partly = spec(valid=8, answered=7, invalid=2, outcomes={"passed": 7, "refused": 1}, refusals={"no *groups*": 1})
    text = report.markdown([run(partly)])
    assert "| a | partial | 87.5\N{NO-BREAK SPACE}% | yes | A | 3 | 0 |" in text
    assert "## a: not answered\n\n- no \\*groups\\* (1 case)\n" in text


def test_causes_come_before_the_failing_specs() -> None:
    failing = [spec(id=id, status="failed") for id in ("padding.same", "padding.pair")]
    text = report.markdown([run(*failing, cause(sentence="padding: *swapped*"))])
    assert (
        "## a: 1 cause\n\n1 cause explains 1 of 2 failing specs (1 unexplained).\n\n"
        "1. **padding: \\*swapped\\***: 1 spec, 9 cases, wherever padding differs by axis\n"
        "   smallest: padding (0, 1) on a 1×1 image gives shape (1, 1, 3, 1), expected (1, 1, 1, 3)\n"
        "   ` convgauge reproduce mine … `\n"
    ) in text
    assert text.index("## a: 1 cause") < text.index("## a: 2 faults")


def test_the_most_informative_faults_come_first() -> None:
    records = [
        spec(id="accuracy.wide", status="failed", counterexample=example(operands="wide")),
        spec(id="padding.pair", status="failed", counterexample=example()),
    ]
    text = report.markdown([run(*records)])
    assert text.index("**padding.pair**") < text.index("**accuracy.wide**")


def test_hostile_names_break_neither_the_table_nor_the_terminal() -> None:
    name = synthetic_runs.HOSTILE
    text = report.markdown([run(spec(name, status="failed"))])
    row = next(line for line in text.splitlines() if "onerror" in line and line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 9
    assert "<img" not in text
    assert "\x1b" not in text + report.compare(run(spec(name)), run(spec(name, status="failed")))[0]
