"""Tests of the study of kernels as their authors write them: its data, its judgement, and one run on one kernel."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest

from support.paths import ROOT

PATH = ROOT / "benchmarks" / "studies" / "strangers.py"


def _load() -> ModuleType:
    """Return the study as a module."""
    spec = importlib.util.spec_from_file_location("strangers", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


STUDY = _load()
KERNELS = STUDY.kernels()
NARROW = next(kernel for kernel in KERNELS if kernel.file == "pointwise_only.py")


def test_every_file_is_declared_and_has_a_faulty_twin() -> None:
    assert sorted(kernel.file for kernel in KERNELS) == sorted(path.name for path in STUDY.FOLDER.glob("*.py"))
    assert all(kernel.faults for kernel in KERNELS)
    assert len({kernel.style for kernel in KERNELS}) > 25
    assert sum(1 + len(kernel.faults) for kernel in KERNELS) >= 50


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.file)
def test_a_twin_differs_by_one_text_and_compiles(kernel: STUDY.Kernel) -> None:  # type: ignore[name-defined]
    source = kernel.path.read_text(encoding="utf-8")
    assert "convgauge" not in source
    assert f" {kernel.function}(" in source or f" {kernel.function}:" in source
    for fault in kernel.faults:
        compile(kernel.twin(fault), kernel.file, "exec")
        assert kernel.twin(fault) != source


@pytest.mark.parametrize(
    ("fault", "verdict", "limits", "seconds", "reason"),
    [
        ("", "partial", ["refuses kernel > 1"], 1.0, ""),
        ("", "wrong", ["refuses kernel > 1"], 1.0, "false wrong"),
        ("", "complete", ["refuses kernel > 1"], 1.0, "not partial"),
        ("", "partial", ["refuses groups > 1"], 1.0, "no limit with kernel"),
        ("", "partial", ["refuses kernel > 1"], 9.0, "too slow"),
        ("bias ignored", "wrong", [], 9.0, ""),
        ("bias ignored", "unjudged", [], 1.0, "fault passed"),
    ],
)
def test_a_result_that_differs_from_the_expectation_is_a_miss(
    fault: str, verdict: str, limits: list[str], seconds: float, reason: str
) -> None:
    row = STUDY.Row(NARROW.style, fault, verdict, 10.0, limits, 100, seconds, 1.0)
    assert STUDY.miss(NARROW, row, True, "quick") == reason


def test_a_kernel_without_its_device_must_be_unjudged() -> None:
    row = STUDY.Row(NARROW.style, "bias ignored", "unjudged", None, [], 0, 1.0, 1.0)
    assert STUDY.miss(NARROW, row, False, "quick") == ""
    row.verdict = "wrong"
    assert STUDY.miss(NARROW, row, False, "quick") == "judged without its device"


def test_one_fault_in_ten_may_pass_at_quick_and_none_at_standard() -> None:
    rows = [STUDY.Row("a", f"fault {i}", "wrong", None, [], 1, 1.0, 1.0) for i in range(20)]
    rows[0].miss = "fault passed"
    assert STUDY.is_reached(rows, "quick")
    assert not STUDY.is_reached(rows, "standard")
    rows[1].miss = rows[2].miss = "fault passed"
    assert not STUDY.is_reached(rows, "quick")


@pytest.mark.once
def test_the_study_prints_a_row_per_kernel_and_its_figures() -> None:
    command = [sys.executable, PATH, "-k", NARROW.file, "--sound"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "pointwise only" in done.stdout, done.stderr
    assert "quick: 1 sound kernels, 0 of them wrong" in done.stdout
    assert "0 twins, 0 faults passed" in done.stdout


def test_an_interrupted_study_takes_its_results_over(tmp_path: Path) -> None:
    results = [STUDY.Row(NARROW.style, fault, "wrong", None, [], 1, 1.0, 1.0) for fault in ("", *NARROW.faults)]
    other = STUDY.Row("of an earlier folder", "", "wrong", None, [], 1, 1.0, 1.0)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(asdict(row))}\n" for row in (*results, other)))
    assert STUDY.stored(path, [NARROW]) == results
    assert list(STUDY.rows([NARROW], "quick", {(row.kernel, row.fault) for row in results})) == []
    assert STUDY.stored(tmp_path / "absent.jsonl", [NARROW]) == STUDY.stored(None, [NARROW]) == []
