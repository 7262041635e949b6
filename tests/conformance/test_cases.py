"""Tests of cases: the text form of a case reads back, that of older reports included."""

from __future__ import annotations

from dataclasses import replace

from convgauge.conformance.cases import BASE, Case
from convgauge.conformance.invalid_calls import INVALID_CALLS


def test_every_invalid_call_reads_back() -> None:
    for name in INVALID_CALLS:
        case = Case(BASE, seed=3, invalid_call=name)
        assert Case.parse(str(case)) == case


def test_the_text_of_an_invalid_call_in_older_reports_is_read() -> None:
    name = next(iter(INVALID_CALLS))
    older = f"{BASE.text};tamper={name};seed=3"
    assert Case.parse(older) == replace(Case(BASE, seed=3), invalid_call=name)
