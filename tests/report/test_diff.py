"""Changes between two runs."""

from __future__ import annotations

import msgspec
import pytest

from convgauge import report
from convgauge.results import (
    Footer,
    Judgement,
)
from convgauge.terms import Status
from support.records import run, spec, timing


@pytest.mark.parametrize(
    ("before", "after", "heading", "status"),
    [
        ("passed", "failed", "Broke", 1),
        ("passed", "declined", "Broke", 1),
        ("declined", "crashed", "Broke", 1),
        ("xfailed", "xpassed", "Broke", 1),
        ("failed", "passed", "Fixed", 0),
        ("crashed", "declined", "Fixed", 0),
        ("declined", "passed", "Fixed", 0),
        ("failed", "crashed", "Changed otherwise", 0),
        ("passed", "skipped", "Changed otherwise", 0),
    ],
)
def test_a_changed_result_broke_was_fixed_or_changed_otherwise(
    before: Status, after: Status, heading: str, status: int
) -> None:
    old, new = run(spec(status=before), footer=False), run(spec(status=after), footer=False)
    text, code = report.compare(old, new)
    assert f"{heading} (1)\n  a padding.same float32 cpu: {before} → {after}" in text
    assert code == status
    assert "is incomplete" in text


def test_results_that_appeared_vanished_or_got_slower_are_listed() -> None:
    old = run(spec(id="x"), spec(id="y"), timing("a", "p", 1.0, "same"))
    new = run(spec(id="x"), spec(id="z"), timing("a", "p", 1.5, "slower"))
    text, code = report.compare(old, new)
    assert "Appeared (1)" in text
    assert "Vanished (1)" in text
    assert "Slower (1)\n  a on p (÷ base): 1.00× → 1.50×" in text
    assert code == 0


def test_a_ratio_that_grew_beyond_the_limit_is_a_regression() -> None:
    old, new = (run(timing("a", "p", ratio, "slower")) for ratio in (1.0, 1.5))
    assert report.compare(old, new, 0.6)[1] == 0
    assert report.compare(old, new, 0.4)[1] == 1
    assert report.compare(new, old, 0.4)[1] == 0
    text = report.compare(old, new, 0.4, markdown=True)[0]
    assert "### Slower (1)\n\n| what | was | is |\n|---|---|---|\n| a on p (÷ base) | 1.00× | 1.50× |" in text


def test_timings_of_other_machines_are_recognized() -> None:
    old, new = (run(timing("a", "p", 1.0, "same")) for _ in range(2))
    assert report.other_machine(old, new) == ""
    new.header = msgspec.structs.replace(new.header, machine=msgspec.structs.replace(new.header.machine, cores=99))
    assert "99 cores" in report.other_machine(old, new)
    assert report.other_machine(old, run(spec())) == ""


def test_a_worse_grade_is_a_regression() -> None:
    old, new = run(spec()), run(spec())
    assert new.footer
    new.footer = Footer({"a": Judgement("conformant", "B", 3, 0)}, 1.0, 3)
    assert report.compare(old, new) == ("Broke (1)\n  a: A → B", 1)


def test_comparing_runs_that_share_nothing_is_no_success() -> None:
    assert report.compare(run(spec("a")), run(spec("b")))[1] == 5
