"""Tests of counterexamples: each fails again for its mutant and passes for the oracle."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from convgauge.conformance.collection import collect_specs
from convgauge.conformance.spec import Spec
from convgauge.selftest.counterexamples import UNEXPECTED, Audit, Kind, audit, print_table, show
from convgauge.selftest.mutants import Mutant, by_spec, mutants
from convgauge.terms import Status
from support.paths import ROOT

CHAPTERS = sorted(path.stem.removeprefix("test_") for path in (ROOT / "conformance").glob("test_*.py"))
METHODS = ("exact", "accurate", "equals", "refuses", "nonfinite", "satisfies", "relates", "needs_declared_grade")


def first_pair(condition: Callable[[Spec, str], bool]) -> tuple[Mutant, Spec]:
    """Return a mutant that a quick spec kills and names, and the spec, which meets the condition on it and its code."""
    collected = collect_specs()
    naming = by_spec(mutants(), [spec for spec, _ in collected])
    for framework in ("numpy", "torch"):
        for spec, test in collected:
            if condition(spec, inspect.getsource(test)):
                for mutant in naming[spec.id]:
                    if mutant.faulty and mutant.framework == framework and mutant.tier == "quick":
                        return mutant, spec
    pytest.skip("no mutant names such a spec")


def require_sound(mutant: Mutant, spec: Spec) -> None:
    if mutant.framework != "numpy":
        pytest.importorskip(mutant.framework)
    results = list(audit(mutant, "quick", [spec.id]))
    assert results, f"{spec.id} has no counterexample on {mutant.name}"
    assert [str(result) for result in results if result.kind in UNEXPECTED] == []


@pytest.mark.isa
@pytest.mark.once
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_counterexamples_of_each_chapter_are_sound(chapter: str) -> None:
    require_sound(*first_pair(lambda spec, code: spec.chapter == chapter))


@pytest.mark.once
@pytest.mark.parametrize("method", METHODS)
def test_counterexamples_of_each_method_of_the_judge_are_sound(method: str) -> None:
    require_sound(*first_pair(lambda spec, code: f"judge.{method}(" in code))


@pytest.mark.parametrize(
    ("again", "oracle", "has_history", "kind"),
    [
        ("failed", "passed", False, "sound"),
        ("failed", "failed", False, "bogus"),
        ("passed", "passed", True, "with history"),
        ("passed", "passed", False, "passes again"),
        ("skipped", "skipped", False, "unjudged"),
    ],
)
def test_the_kind_of_a_result(again: Status, oracle: Status, has_history: bool, kind: Kind) -> None:
    result = Audit("off_by_one", "padding.pair", "float32", "n1c1h1w1", again, oracle, has_history)
    assert result.kind == kind
    assert str(result).startswith(f"{kind}: padding.pair in float32 on off_by_one: ")


def test_a_table_is_printed_and_unexpected_results_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def audited(mutant: Mutant, tier: str, specs: object) -> list[Audit]:
        return [Audit(mutant.name, "padding.pair", "float32", "n1c1h1w1", "failed", oracle, False)]

    monkeypatch.setattr("convgauge.selftest.counterexamples.audit", audited)
    oracle: Status = "passed"
    assert show("quick", ("padding_pair_swapped",)) == 0
    assert "padding                      1             0" in capsys.readouterr().out
    oracle = "failed"
    assert show("quick", ("padding_pair_swapped",)) == 1
    assert capsys.readouterr().out.startswith("bogus: padding.pair in float32 on padding_pair_swapped: ")
    assert show("quick", ("no such mutant",)) == 5
    print_table({})
