"""The Markdown summary."""

from __future__ import annotations

import re

from convgauge import report
from convgauge.results import (
    Counterexample,
)
from support import synthetic_runs
from support.records import run, spec


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


def test_hostile_names_break_neither_the_table_nor_the_terminal() -> None:
    name = synthetic_runs.HOSTILE
    text = report.markdown([run(spec(name, status="failed"))])
    row = next(line for line in text.splitlines() if "onerror" in line and line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 9
    assert "<img" not in text
    assert "\x1b" not in text + report.compare(run(spec(name)), run(spec(name, status="failed")))[0]
