"""Tests of the self-test: every mutant is killed by a spec that it names, and no correct build fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
import pytest

from convgauge.registry import is_installed
from convgauge.selftest import kill_matrix
from convgauge.selftest import run as selftest
from convgauge.selftest.kill_matrix import Finding, Matrix
from convgauge.selftest.mutants import Mutant, folder, mutants
from convgauge.selftest.terminal import print_matrix
from convgauge.terms import TIERS

pytestmark = pytest.mark.once
MUTANTS = {mutant.name: mutant for mutant in mutants()}
FAULTY = [name for name, mutant in MUTANTS.items() if mutant.faulty]
CORRECT = [name for name, mutant in MUTANTS.items() if not mutant.faulty]


def marked(names: list[str]) -> list[Any]:
    """Return the names as parameters; those of torch run once per instruction set."""
    return [pytest.param(name, marks=[pytest.mark.isa] if MUTANTS[name].framework == "torch" else []) for name in names]


@pytest.fixture(scope="module")
def findings(request: pytest.FixtureRequest) -> dict[str, Finding]:
    """Findings of the mutants whose tests were selected, each judged in a process of its own, two at once.

    A mutant's run is narrowed to the specs that it names and ends at the first that kills it. A correct build is judged
    by a share of the specs; `convgauge selftest` runs all.
    """
    requested = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    chosen = [mutant for name, mutant in MUTANTS.items() if name in requested and is_installed(mutant.framework)]
    by_name: dict[str, Finding] = {}
    for tier in TIERS[:2]:
        matrix = selftest.run([mutant for mutant in chosen if mutant.tier == tier], tier, first=True, narrow=True)
        by_name.update({finding.name: finding for finding in matrix.findings})
    return by_name


def finding(findings: dict[str, Finding], name: str) -> Finding:
    if name not in findings:
        pytest.skip(f"{MUTANTS[name].framework} is not installed")
    return findings[name]


@pytest.mark.parametrize("name", marked(FAULTY))
def test_a_mutant_is_killed_by_a_spec_that_it_names(findings: dict[str, Finding], name: str) -> None:
    result = finding(findings, name)
    assert result.vacuous == []
    assert result.killed_as_named, f"{name} survives {', '.join(MUTANTS[name].killed_by)}: {result.reason}"


@pytest.mark.parametrize("name", marked(FAULTY))
def test_a_mutant_passes_the_smoke_test_as_declared(findings: dict[str, Finding], name: str) -> None:
    assert finding(findings, name).smoke == MUTANTS[name].smoke


@pytest.mark.parametrize("name", marked(CORRECT))
def test_a_correct_build_does_not_fail(findings: dict[str, Finding], name: str) -> None:
    result = finding(findings, name)
    assert result.smoke, result.reason
    assert result.vacuous == []
    assert result.killed_by == {}, result.reason
    assert result.unconfirmed == []
    assert result.cases > 100


# --- the self-test itself --------------------------------------------------------------------------------------------

TWO = """
import numpy as np
from _base import conv, correct, mutant

@mutant("Computes the right answer.", mechanism="tail_dropped", killed_by=("padding.pair",))
def harmless(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)

@correct("Returns a single zero.")
def harmful(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.zeros((1, 1, 1, 1), np.float32)
"""


def test_a_survivor_and_a_correct_build_that_fails_are_reported(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(TWO)
    shutil.copy(folder() / "_base.py", tmp_path)
    matrix = selftest.run(mutants(tmp_path), "quick", first=True, narrow=True)
    assert [build.name for build in matrix.false_positives] == ["harmful"]
    assert [mutant.name for mutant in matrix.survivors] == ["harmless"]
    harmless = matrix.findings[0]
    assert harmless.smoke
    assert harmless.unconfirmed == ["padding.pair"]
    assert not harmless.is_expected


def test_the_summary_names_what_is_unexpected(capsys: pytest.CaptureFixture[str]) -> None:
    matrix = Matrix(
        "quick",
        [
            Finding("a", True, True, killed_by={"x.one": "failed"}, killed_as_named=True, unconfirmed=["x.two"]),
            Finding("b", True, True, killed_by={"x.one": "failed"}, unconfirmed=["x.two"]),
            Finding("c", True, True),
            Finding("d", True, True, due=False),
            Finding("e", False, True, killed_by={"x.one": "failed"}),
            Finding("f", False, True, unconfirmed=["x.three"]),
        ],
        {"x.one": "One.", "x.two": "Two.", "x.three": "Three."},
        no_mutant_because={"x.two": "it needs no time"},
    )
    print_matrix(matrix, 1.0)
    printed = capsys.readouterr().out
    for line in (
        "survives: c",
        "fails: e",
        "killed, but not by x.two: b",
        "not reported by x.three: f",
        "named but did not kill: x.two (a)",
        "kill nothing (2): x.three, x.two",
        "x.two: it needs no time",
        "x.three: no reason given",
        "not due below the standard tier: d",
        "2 of 4 mutants killed at quick",
    ):
        assert line in printed


@pytest.mark.parametrize(("words", "status"), [(("medium", ""), 4), (("quick", "no such mutant"), 5)])
def test_an_impossible_request_is_explained(
    words: tuple[str, str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert selftest.selftest(words[0], None, words[1:]) == status  # type: ignore[arg-type]  # wrong on purpose
    assert capsys.readouterr().err.startswith("convgauge: ")


def test_a_single_mutant_can_be_selected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "deep" / "matrix.json"
    assert selftest.selftest("quick", output, ["padding_pair_swapped"], first=True) == 0
    assert '"padding_pair_swapped"' in output.read_text()
    assert "1 of 1 mutants killed at quick (1 of them pass the smoke test)" in capsys.readouterr().out


def test_a_killed_selftest_leaves_no_process_behind() -> None:
    command = [sys.executable, "-m", "convgauge", "selftest", "--tier", "quick", "-k", "summation"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started = psutil.Process(running.pid)

    def implementations() -> list[psutil.Process]:
        return [child for child in started.children(recursive=True) if any("boot.py" in w for w in child.cmdline())]

    deadline = time.monotonic() + 120
    while not implementations() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    below = started.children(recursive=True)
    assert len(below) >= 3  # a worker, its implementation, and the tracker of the workers
    running.kill()
    running.wait()
    assert psutil.wait_procs(below, timeout=30)[1] == []


def test_an_interrupted_selftest_does_not_start_the_mutants_that_wait(tmp_path: Path) -> None:
    output = tmp_path / "matrix.json"
    command = [sys.executable, "-m", "convgauge", "selftest", "--tier", "quick", "--output", str(output)]
    running = subprocess.Popen([*command, "-x"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not output.exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    running.terminate()
    assert running.wait(timeout=120) == 2
    assert len(kill_matrix.read(output).findings) < len(MUTANTS) / 2


def test_a_matrix_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants that have not changed are not judged again; those that have changed or were not reached are."""
    judged = []

    class Pool:
        def __init__(self, *_: object, **__: object) -> None: ...
        def shutdown(self, **__: object) -> None: ...
        def submit(self, examine: object, mutant: Mutant, *_: object) -> Future[tuple[Finding, dict[str, str]]]:
            judged.append(mutant.name)
            done: Future[tuple[Finding, dict[str, str]]] = Future()
            done.set_result((Finding(mutant.name, True, True, killed_by={"x.one": "failed"}), {"x.one": "One."}))
            return done

    monkeypatch.setattr(selftest, "ProcessPoolExecutor", Pool)
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.py").write_text(TWO.replace("harmless", name).replace("harmful", f"{name}_correct"))
    chosen = mutants(tmp_path)
    matrices: list[Matrix] = []
    first = selftest.run(chosen[:4], "quick", progress=lambda finding, matrix: matrices.append(matrix))
    assert [len(matrix.findings) for matrix in matrices] == [1, 2, 3, 4]
    assert [matrix.complete for matrix in matrices] == [False, False, False, True]
    judged.clear()
    (tmp_path / "one.py").write_text((tmp_path / "one.py").read_text() + "# changed\n")
    second = selftest.run(chosen, "quick", before=first)
    assert set(judged) == {mutant.name for mutant in chosen if mutant.path.stem == "one" or mutant in chosen[4:]}
    assert [result.name for result in second.findings] == [mutant.name for mutant in chosen]
    assert second.complete
