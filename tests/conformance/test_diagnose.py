"""Records of the causes that a diagnosis finds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from convgauge.conformance import diagnose as module
from convgauge.conformance.diagnose import diagnose
from convgauge.diagnosis.cause import Cause, Diagnosis
from convgauge.domain import fields_of
from convgauge.problem import Problem
from support.records import example, spec


def caused_by(mechanism: str, *specs: str, region: str = "") -> Cause:
    samples: Any = [SimpleNamespace(spec=id) for id in specs]
    return Cause(mechanism, "", mechanism, region, region, samples)


@pytest.fixture
def evidence() -> Any:
    return SimpleNamespace(failed=1, samples=list, large=[])


def test_a_run_that_stops_early_counts_only_what_it_records(evidence: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads have judged cases of specs that have no record yet; they are evidence, and not part of the run."""
    causes = [caused_by("swapped", "a.one", "a.one", "b.two"), caused_by("dropped", "b.two")]
    monkeypatch.setattr(module, "explain", lambda *_: Diagnosis(causes, [], {}))
    records = [spec(id="a.one", status="failed", counterexample=example())]
    findings = diagnose("a", evidence, records)
    assert findings is not None
    (cause,) = findings.causes
    assert (cause.mechanism, cause.specs, cause.cases) == ("swapped", ["a.one"], 2)
    assert findings.unexplained == 0


def test_a_case_that_is_too_large_is_counted_with_the_first_mechanism_of_its_region(
    evidence: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    causes = [
        caused_by("swapped", "a.one", region="stride_h > 1"),
        caused_by("rounded", "a.one", region="whole == 'True'"),  # of the values of operands
        caused_by("dropped", "a.one", region="groups > 1"),
    ]
    monkeypatch.setattr(module, "explain", lambda *_: Diagnosis(causes, [], {}))
    fields = fields_of(Problem(in_channels=2, out_channels=2, groups=2))
    evidence.large = [("c.large", fields), ("d.unrecorded", fields)]
    records = [spec(id=id, status="failed", counterexample=example()) for id in ("a.one", "c.large")]
    findings = diagnose("a", evidence, records)
    assert findings is not None
    assert {cause.mechanism: (cause.specs, cause.cases) for cause in findings.causes} == {
        "swapped": (["a.one"], 1), "rounded": (["a.one"], 1), "dropped": (["a.one", "c.large"], 3),
    }  # fmt: skip
    assert findings.unexplained == 0


def test_nothing_is_diagnosed_if_nothing_failed(evidence: Any) -> None:
    evidence.failed = 0
    assert diagnose("a", evidence, []) is None
