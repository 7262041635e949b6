"""Badges."""

from __future__ import annotations

import pytest

from convgauge import report
from support.records import run, spec


def test_a_badge_is_what_shields_reads() -> None:
    badge = report.badge(run(spec()), "a")
    assert badge == {"schemaVersion": 1, "label": "convgauge", "message": "conformant · A", "color": "brightgreen"}
    assert report.badge(run(spec(), footer=False), "a")["message"] == "incomplete"
    with pytest.raises(KeyError):
        report.badge(run(spec()), "absent")
