"""Badges."""

from __future__ import annotations

import pytest

from convgauge import report
from support.records import run, spec


def test_a_badge_is_what_shields_reads() -> None:
    badge = report.badge(run(spec()), "a")
    assert badge == {"schemaVersion": 1, "label": "convgauge", "message": "conformant · A", "color": "brightgreen"}
    partly = report.badge(run(spec(valid=8, answered=7, outcomes={"passed": 7, "refused": 1})), "a")
    assert (partly["message"], partly["color"]) == ("partial 87.5\N{NO-BREAK SPACE}% · A", "yellowgreen")
    wrong = report.badge(run(spec(status="failed", valid=8, answered=8)), "a")
    assert (wrong["message"], wrong["color"]) == ("wrong 100\N{NO-BREAK SPACE}% · F", "red")
    assert report.badge(run(spec(), footer=False), "a")["message"] == "incomplete"
    with pytest.raises(KeyError):
        report.badge(run(spec()), "absent")
