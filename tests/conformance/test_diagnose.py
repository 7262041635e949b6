"""Records of the causes that a diagnosis finds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from convgauge.conformance import diagnose as module
from convgauge.conformance.diagnose import diagnose
from convgauge.diagnosis.cause import Cause, Diagnosis
from support.records import example, spec


def caused_by(mechanism: str, *specs: str) -> Cause:
    samples: Any = [SimpleNamespace(spec=id) for id in specs]
    return Cause(mechanism, "", mechanism, "", "", samples)


@pytest.fixture
def evidence() -> Any:
    return SimpleNamespace(failed=1, samples=list)


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


def test_nothing_is_diagnosed_if_nothing_failed(evidence: Any) -> None:
    evidence.failed = 0
    assert diagnose("a", evidence, []) is None
