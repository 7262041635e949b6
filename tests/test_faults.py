"""Every kind of fault, through the command line: it is reported, the run continues, and nothing is lost."""

from __future__ import annotations

import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from convgauge import results
from convgauge.bundled import bundled
from convgauge.process.crash_dump import ERROR
from support import thrown_faults
from support.thrown_faults import Outcome, records_of

pytestmark = pytest.mark.once


def convgauge(*words: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convgauge", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, Outcome]:
    return thrown_faults.thrown(folder / "run.jsonl")


@pytest.fixture(scope="module")
def run(folder: Path, outcomes: dict[str, Outcome]) -> results.Run:
    return results.read(folder / "run.jsonl")


@pytest.mark.parametrize("kernel", [fault.kernel for fault in thrown_faults.FAULTS])
def test_a_fault_has_its_outcome_and_costs_no_spec(outcomes: dict[str, Outcome], kernel: str) -> None:
    assert outcomes[kernel].is_expected, outcomes[kernel]


@pytest.mark.parametrize("kernel", ["always_dies", "always_hangs"])
def test_a_kernel_that_is_given_up_has_the_case_of_its_crash(run: results.Run, kernel: str) -> None:
    last = records_of(run, kernel)[-1]
    assert "was given up" in last.reason
    assert last.cases == 0
    assert last.counterexample is not None
    words = shlex.split(last.counterexample.reproduce)
    again = convgauge(*words[1:])
    assert again.returncode == 1, again.stdout
    assert "verdict   crashed" in again.stdout or "verdict   timed_out" in again.stdout


def test_a_kernel_that_dies_in_some_calls_is_not_given_up(run: results.Run) -> None:
    statuses = {record.status for record in records_of(run, "segfault")}
    assert statuses >= {"passed", "crashed"}
    assert not any("was given up" in record.reason for record in records_of(run, "segfault"))


def test_the_end_of_a_flood_is_shown_with_the_failure(run: results.Run) -> None:
    printed = [record.counterexample.printed for record in records_of(run, "floods_and_dies") if record.counterexample]
    assert max(map(len, printed)) <= 2000
    assert f"\nthe last words\n{ERROR}Aborted\n" in printed[0]
    assert all(record.counterexample is None for record in records_of(run, "floods"))


@pytest.mark.parametrize("way", thrown_faults.INTERRUPTIONS)
def test_an_interrupted_run_keeps_its_records_and_can_be_resumed(folder: Path, way: str) -> None:
    outcome = thrown_faults.interrupted(folder, way)
    assert outcome.is_expected, outcome.reason


def test_a_race_that_cannot_be_written_ends_with_a_sentence() -> None:
    process = convgauge("bench", "numpy_windows", "--layers", "resnet50", "--output", "/dev/full")
    assert process.returncode == 3
    assert "cannot be written to /dev/full: No space left" in process.stderr


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
    process = subprocess.run(check, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert "\\x1b[2J" in process.stdout
    ET.parse(junit)
    assert convgauge("report", output, "--output", tmp_path / "site").returncode == 0
    shown = process.stdout + junit.read_text() + "".join(page.read_text() for page in tmp_path.glob("site/**/*.html"))
    shown += "".join(page.read_text() for page in tmp_path.glob("site/**/*.md"))
    assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(shown)
    pages = "".join(page.read_text() for page in tmp_path.glob("site/**/*.html"))
    assert pages
    assert "<script>alert" not in pages
    assert "nasty" in pages


def test_two_targets_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("def conv(*_, **__):\n    raise NotImplementedError\n")
    process = convgauge("check", "one.py:conv", "two.py:conv", "--framework", "numpy", folder=tmp_path)
    assert process.returncode == 4
    assert "two targets are called 'conv'" in process.stderr
