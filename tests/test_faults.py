"""Every kind of fault, through the command line: it is told, the rest of the run goes on, nothing is lost."""

from __future__ import annotations

import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import support.thrown_faults as faults
from convgauge import results
from convgauge.bundled import bundled

pytestmark = pytest.mark.once


def convgauge(*words: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convgauge", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, Any]:
    return faults.thrown(folder / "run.jsonl")


@pytest.fixture(scope="module")
def run(folder: Path, outcomes: dict[str, Any]) -> results.Run:
    return results.read(folder / "run.jsonl")


@pytest.mark.parametrize("kernel", [fault.kernel for fault in faults.FAULTS])
def test_a_fault_has_its_outcome_and_costs_no_spec(outcomes: dict[str, Any], kernel: str) -> None:
    assert outcomes[kernel].good, outcomes[kernel]


def of(run: results.Run, kernel: str) -> list[results.SpecRecord]:
    return [one for one in run.records_of(results.SpecRecord) if one.implementation == kernel]


@pytest.mark.parametrize("kernel", ["always_dies", "always_hangs"])
def test_what_was_given_up_shows_the_case_that_did_it(run: results.Run, kernel: str) -> None:
    last = of(run, kernel)[-1]
    assert "was given up" in last.reason
    assert last.cases == 0
    assert last.counterexample is not None
    words = shlex.split(last.counterexample.reproduce)
    again = convgauge(*words[1:])
    assert again.returncode == 1, again.stdout
    assert "CRASHED" in again.stdout or "TIMED_OUT" in again.stdout


def test_a_kernel_that_dies_now_and_then_is_not_given_up(run: results.Run) -> None:
    statuses = {one.status for one in of(run, "segfault")}
    assert statuses >= {"passed", "crashed"}
    assert not any("was given up" in one.reason for one in of(run, "segfault"))


def test_a_flood_is_cut_to_its_end_and_shown_where_it_failed(run: results.Run) -> None:
    printed = [one.counterexample.printed for one in of(run, "floods_and_dies") if one.counterexample]
    assert max(map(len, printed)) <= 2000
    assert "the last words" in printed[0]
    assert all(one.counterexample is None for one in of(run, "floods"))


@pytest.mark.parametrize("way", faults.WAYS)
def test_an_interrupted_run_keeps_its_records_and_resumes_as_if_it_had_not_been(folder: Path, way: str) -> None:
    outcome = faults.interrupted(folder, way)
    assert outcome.good, outcome.where


def test_a_race_that_cannot_be_written_ends_with_a_sentence() -> None:
    found = convgauge("bench", "numpy_windows", "--layers", "resnet50", "--output", "/dev/full")
    assert found.returncode == 4
    assert "cannot be written to /dev/full: No space left" in found.stderr


# --- hostile text ----------------------------------------------------------------------------------------------------

HOSTILE = r"""
NASTY = "\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>\r\n| a | ](../../etc/passwd) \u202e\x00 &amp; ]]>"

def nasty(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    print(NASTY)
    raise ValueError(NASTY)
"""


def test_hostile_text_does_nothing_anywhere(tmp_path: Path) -> None:
    kernel, output, junit = tmp_path / "<b>.py", tmp_path / "run.jsonl", tmp_path / "junit.xml"
    kernel.write_text(HOSTILE)
    check = [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(bundled("conformance")), "-k", "test_pair_pads",
        "--implementation", f"{kernel}:nasty", "--convgauge-framework=numpy", "--convgauge-tier=quick",
        f"--convgauge-output={output}", f"--junitxml={junit}",
    ]  # fmt: skip
    found = subprocess.run(check, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert "\\x1b[2J" in found.stdout
    ET.parse(junit)
    assert convgauge("report", output, "--output", tmp_path / "site").returncode == 0
    shown = found.stdout + junit.read_text() + "".join(one.read_text() for one in tmp_path.glob("site/**/*.html"))
    shown += "".join(one.read_text() for one in tmp_path.glob("site/**/*.md"))
    assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(shown)
    pages = "".join(one.read_text() for one in tmp_path.glob("site/**/*.html"))
    assert pages
    assert "<script>alert" not in pages
    assert "nasty" in pages


def test_two_targets_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("def conv(*_, **__):\n    raise NotImplementedError\n")
    found = convgauge("check", "one.py:conv", "two.py:conv", "--framework", "numpy", folder=tmp_path)
    assert found.returncode == 4
    assert "two targets are called 'conv'" in found.stderr
