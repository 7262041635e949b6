"""Results from run to run."""

from __future__ import annotations

import msgspec

from convgauge.report import history, model
from support.records import run, spec, timing


def test_a_timeline_needs_two_verdicts_or_two_times_of_one_race() -> None:
    check, bench = run(spec("a"), started="1"), run(timing("a", "p", 1.2, "slower"), started="2")
    assert history.timelines(model.gather([check, bench])) == []
    other = run(msgspec.structs.replace(timing("a", "p", 1.2, "slower"), layers="another"), started="2")
    assert history.timelines(model.gather([bench, other])) == [], "one time in each of two races"
    assert len(history.timelines(model.gather([bench, bench]))) == 1
    later = run(spec("a", status="failed", valid=4, answered=3), started="3")
    (line,) = history.timelines(model.gather([later, check, bench]))
    assert [summary and (summary.verdict, summary.coverage, summary.faults) for summary in line.rows["a"]] == [
        ("conformant", None, 0),
        ("not checked", None, 0),
        ("wrong", 75.0, 1),
    ]
