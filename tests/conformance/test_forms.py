"""Kernels of odd forms are judged without an adapter, and the faulty twin of each is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from convgauge import results
from convgauge.conformance.setting import Setting
from convgauge.conformance.suite import Suite
from convgauge.registry import is_installed
from convgauge.request import CheckRequest
from convgauge.results import ImplementationRecord, SpecRecord
from support.paths import ROOT

SUPPORT = ROOT / "tests" / "support"

ADAPTED = {
    "other_names": "passes padding as pad",
    "no_bias": "is called without bias, dilation and groups",
    "numbers": "takes stride as one number",
    "asserted_numbers": "takes padding as one number",
    "positional_only": "passes padding as pad",
    "bias_needed": "takes zeros where there is no bias",
    "weight_first": "passes the weight before the input",
    "with_cache": "takes the first of 2 results",
    "double": "gives float64 for narrower operands",
    "partial": "passes groups as group",
    "Stateless": "calls an instance of the class",
    "instance": "passes bias as b",
}
"""Part of a sentence about each kernel of `support.odd_forms` that needs no adapter."""


def run_of(targets: list[str], expression: str, folder: Path) -> results.Run:
    """Judge targets by some specs of the quick tier, and return the run."""
    path = folder / "run.jsonl"
    words = ["check", *targets, "--tier", "quick", "--dtype", "float32", "-k", expression, "--output", str(path)]
    command = [sys.executable, "-m", "convgauge", *words]
    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert process.returncode in (0, 1), process.stdout + process.stderr
    return results.read(path)


def targets() -> list[str]:
    return [f"{SUPPORT / 'odd_forms.py'}:{name}" for name in ADAPTED]


def verdicts(run: results.Run) -> dict[str, str]:
    assert run.footer is not None
    return {name: judgement.verdict for name, judgement in run.footer.verdicts.items()}


def test_odd_forms_are_judged_without_an_adapter(tmp_path: Path) -> None:
    run = run_of(targets(), "test_definition", tmp_path)
    faults = [record for record in run.records_of(SpecRecord) if record.counterexample is not None]
    assert not faults
    assert set(verdicts(run)) == set(ADAPTED)
    assert not {"wrong", "unjudged"} & set(verdicts(run).values()), verdicts(run)
    sentences = {
        record.implementation: "; ".join(record.adaptations) for record in run.records_of(ImplementationRecord)
    }
    for name, part in ADAPTED.items():
        assert part in sentences[name], sentences[name]
    limits = "; ".join(run.footer.verdicts["no_bias"].limits) if run.footer is not None else ""
    assert "its signature has no bias" in limits
    assert "UnsupportedArgument" not in limits


def test_the_faulty_twins_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_FORMS_TURNED", "1")  # for the processes of the kernels
    request = CheckRequest(tuple(targets()), tier="quick", dtypes=("float32",), keyword="the_kernel_is_not_turned")
    setting = Setting(minimizes=False, diagnoses=False)
    with Suite(request, setting=setting) as suite:
        suite.load()
        assert {result.record.status for result in suite} == {"failed"}
        assert {suite.judgement(name).verdict for name in ADAPTED} == {"wrong"}


def test_spellings_that_a_kernel_does_not_take_are_limits(tmp_path: Path) -> None:
    run = run_of([f"{SUPPORT / 'odd_forms.py'}:numbers"], "test_arguments or test_dtype", tmp_path)
    statuses = {record.spec: record.status for record in run.records_of(SpecRecord) if record.level == "required"}
    assert not {"errored", "failed"} & set(statuses.values()), statuses
    assert verdicts(run) == {"numbers": "partial"}


def test_float64_results_are_a_limit(tmp_path: Path) -> None:
    run = run_of([f"{SUPPORT / 'odd_forms.py'}:double"], "test_dtype or test_definition", tmp_path)
    statuses = {record.spec: record.status for record in run.records_of(SpecRecord)}
    assert statuses["dtype.kept"] == "refused"
    assert statuses["definition.delta"] == "passed"
    assert verdicts(run) == {"double": "partial"}


@pytest.mark.isa
def test_an_autograd_function_is_judged_without_an_adapter(tmp_path: Path) -> None:
    if not is_installed("torch"):
        pytest.skip("torch is not installed")
    target = f"{SUPPORT / 'odd_torch_forms.py'}:Function"
    run = run_of([target], "test_definition or test_stride", tmp_path)
    assert verdicts(run) == {"Function": "partial"}
    (introduction, *_) = run.records_of(ImplementationRecord)
    assert "calls Function.apply" in introduction.adaptations
