"""Changes between two runs."""

from __future__ import annotations

import msgspec
import pytest

from convgauge import report
from convgauge.results import Run
from convgauge.terms import Status
from support.records import cause, judged, run, spec, timing


@pytest.mark.parametrize(
    ("before", "after", "heading", "status"),
    [
        ("passed", "failed", "Broke", 1),
        ("passed", "declined", "Broke", 1),
        ("passed", "refused", "Broke", 1),
        ("passed", "answered_invalid", "Broke", 1),
        ("answered_invalid", "crashed", "Broke", 1),
        ("answered_invalid", "passed", "Fixed", 0),
        ("crashed", "answered_invalid", "Fixed", 0),
        ("refused", "passed", "Fixed", 0),
        ("refused", "declined", "Changed otherwise", 0),
        ("failed", "answered_invalid", "Changed otherwise", 0),
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


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (judged("conformant"), judged("conformant", "B"), "a: A → B"),
        (judged("conformant"), judged("complete"), "a: conformant → complete"),
        (judged("complete"), judged("partial"), "a: complete → partial"),
        (judged("partial"), judged("unjudged"), "a: partial → unjudged"),
        (judged("unjudged"), judged("wrong"), "a: unjudged → wrong"),
        (judged("partial", coverage=90.0), judged("partial", coverage=88.0), "a: coverage 90.0 % → coverage 88.0 %"),
        (
            judged("partial", coverage=99.98),
            judged("partial", coverage=99.96),
            "a: coverage 99.980 % → coverage 99.960 %",
        ),
        (judged("complete", is_strict=True), judged("complete", is_strict=False), "a: strict → not strict"),
    ],
)
def test_a_lower_verdict_coverage_or_grade_is_a_regression(before: Run, after: Run, change: str) -> None:
    for old, new, heading, status in ((before, after, "Broke", 1), (after, before, "Fixed", 0)):
        text, code = report.compare(old, new)
        was, arrow, now = change.removeprefix("a: ").partition(" → ")
        shown = change if old is before else f"a: {now}{arrow}{was}"
        assert text.replace("\N{NO-BREAK SPACE}", " ").startswith(f"{heading} (1)\n  {shown}\na: ")
        assert code == status


def test_coverage_of_other_cases_may_differ_by_less_than_a_percent() -> None:
    old, new = judged("partial", coverage=90.0), judged("partial", coverage=89.5)
    new.header = msgspec.structs.replace(new.header, tier="exhaustive")
    assert "No change in 1 result." in report.compare(old, new)[0]
    assert report.compare(judged("partial", coverage=91.0), new)[1] == 1


def test_coverage_that_was_not_recorded_is_not_compared() -> None:
    assert report.compare(judged("partial"), judged("partial", coverage=50.0))[1] == 0


def test_a_comparison_ends_with_the_present_verdicts() -> None:
    old, new = judged("conformant"), judged("partial", coverage=90.0, is_strict=True)
    line = "a: partial, coverage 90.0\N{NO-BREAK SPACE}%, strict, accuracy grade A"
    assert report.compare(old, new)[0].splitlines()[-1] == line
    assert f"### Verdicts\n\n- {line}" in report.compare(old, new, markdown=True)[0]


def test_runs_without_a_change_say_what_was_compared() -> None:
    race = run(timing("a", "p", 1.0, "same"), timing("b", "p", 1.0, "same"))
    assert report.compare(race, race) == ("No change in 2 timings.", 0)
    both = run(spec(), timing("a", "p", 1.0, "same"))
    assert report.compare(both, both)[0].startswith("No change in 1 result and 1 timing.")


def test_comparing_runs_that_share_nothing_is_no_success() -> None:
    assert report.compare(run(spec("a")), run(spec("b")))[1] == 5


FAILING = spec(status="failed")
SWAPPED = "a: padding: rows and columns are swapped"


def test_a_new_cause_is_a_regression_and_one_that_vanished_an_improvement() -> None:
    with_cause, without = run(FAILING, cause()), run(FAILING)
    text, code = report.compare(without, with_cause)
    assert f"Broke (1)\n  {SWAPPED}: not a cause → wherever padding differs by axis" in text
    assert code == 1
    text, code = report.compare(with_cause, without)
    assert f"Fixed (1)\n  {SWAPPED}: wherever padding differs by axis → not a cause" in text
    assert code == 0
    assert report.compare(with_cause, with_cause)[0].startswith("No change")


def test_a_cause_in_another_region_has_changed() -> None:
    text, code = report.compare(run(FAILING, cause()), run(FAILING, cause(region="")))
    assert f"Changed otherwise (1)\n  {SWAPPED}: wherever padding differs by axis → everywhere" in text
    assert code == 0


def test_a_cause_whose_specs_the_other_run_leaves_out_is_no_regression() -> None:
    narrowed = run(spec(id="bias.one"))
    both = run(FAILING, spec(id="bias.one"), cause())
    assert [change.kind for change in report.changes_between(narrowed, both)][-2:] == ["appeared", "appeared"]
    assert "vanished" in [change.kind for change in report.changes_between(both, narrowed)]
    assert "fixed" not in [c.kind for c in report.changes_between(both, narrowed) if SWAPPED in c.what]


def test_a_run_without_diagnosis_says_nothing_about_causes() -> None:
    older = run(FAILING, schema=3)
    assert not [change for change in report.changes_between(older, run(FAILING, cause())) if SWAPPED in change.what]
    cut_off = run(FAILING, cause(), footer=False)
    assert not [change for change in report.changes_between(cut_off, run(FAILING)) if SWAPPED in change.what]
