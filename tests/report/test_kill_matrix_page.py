"""The page of the self-test."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

from convgauge.selftest import kill_matrix
from support.html_page import Page


def test_the_kill_matrix_is_shown(site: Path) -> None:
    page = Page(site / "suite.html")
    matrix = kill_matrix.read(site.parent / "selftest.json")
    killed = [mutant for mutant in matrix.mutants if mutant.killed_by]
    assert f"Mutants killed {len(killed)} of {len(matrix.mutants)} quick tier" in page.text
    assert f"Specs with a unique kill {len(matrix.unique_kills)} of {len(matrix.specs)}" in page.text
    assert f"Specs that kill nothing {len(matrix.kills_nothing)}" in page.text
    assert "its device is not on every machine" in page.text
    assert "no reason given" in page.text
    assert "Mutants not due at this tier fault_03" in page.text
    assert "Mutants that survive fault_23" in page.text
    drawn = re.findall(r'<path class="(kill[^"]*)" d="([^"]*)"', (site / "suite.html").read_text("utf-8"))
    assert sum(steps.count("M") for _, steps in drawn) == sum(len(mutant.killed_by) for mutant in killed)
    assert sum(kind == "kill sole" for kind, _ in drawn) == sum(len(mutant.killed_by) == 1 for mutant in killed)
    with gzip.open(site / "data" / "selftest-1.json.gz") as file:
        assert json.load(file) == json.loads((site.parent / "selftest.json").read_text())
    chapter = Page(site / "specs" / "shape.html").text
    id = "shape.rule_000"
    assert f"it kills {len(matrix.kills[id])} mutants" in chapter


def test_the_diagnosis_of_mutants_is_shown(site: Path) -> None:
    text = Page(site / "suite.html").text
    assert "right mechanism first 1 of 2 (50.0%) not reached ≥ 80%" in text
    assert "fault_swapped_axes swapped_axes bias_dropped (bias_dropped): bias: it is not added [with a bias]" in text
    assert "fault_bias_dropped bias_dropped bias_dropped" not in text
