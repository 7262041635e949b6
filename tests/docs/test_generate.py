"""Tests of the generated page of the specification."""

from __future__ import annotations

import importlib

import pytest

from convgauge.diagnosis.kinds import MechanismKind
from support.paths import ROOT


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    text = importlib.import_module("generate").specification()
    assert isinstance(text, str)
    return text


def entry(page: str, spec: str) -> str:
    """Return the entry of a spec."""
    return page.partition(f"\n`{spec}`\n")[2].partition("\n`")[0]


def test_a_spec_shows_the_mutants_that_it_rejects(page: str) -> None:
    assert "`padding_pair_swapped` (swapped axes)" in entry(page, "padding.pair")
    assert "Correct builds that it reports: `keywords_only`." in entry(page, "arguments.by_position")
    assert "No mutant: the machine" in entry(page, "device.cuda")
    assert all(f"\n{mechanism.replace('_', ' ')}\n: {mechanism.sentence}\n" in page for mechanism in MechanismKind)
