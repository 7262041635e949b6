"""The pytest plugin does nothing in projects that do not ask for it, and works with pytest's own options."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from convgauge import results
from convgauge.conformance.plugin import shown_status
from convgauge.terms import Requirement, Status

ORDINARY = """
import pytest

@pytest.fixture
def judge():
    return "mine"

def test_with_a_fixture_of_that_name(judge):
    assert judge == "mine"

@pytest.mark.parametrize("spec", [1, 2])
def test_plain(spec):
    assert spec

def test_fails():
    assert 0
"""


def pytest_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def test_a_project_that_does_not_use_it_runs_as_before(tmp_path: Path) -> None:
    (tmp_path / "test_ordinary.py").write_text(ORDINARY)
    run = pytest_in(tmp_path, "-q")
    assert run.returncode == 1
    assert "3 passed" in run.stdout
    assert "1 failed" in run.stdout
    assert "convgauge" not in run.stdout
    assert "verdicts" not in run.stdout


def test_a_project_that_does_not_use_it_imports_nothing_large(tmp_path: Path) -> None:
    (tmp_path / "test_ordinary.py").write_text(
        "import sys\ndef test_modules():\n"
        "    heavy = {'torch', 'msgspec', 'convgauge.reference.oracle', 'convgauge.conformance.suite'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    assert pytest_in(tmp_path, "-q").returncode == 0


def test_a_project_with_strict_settings_runs(tmp_path: Path) -> None:
    (tmp_path / "test_ordinary.py").write_text("def test_passes():\n    pass\n")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n"
    )
    assert pytest_in(tmp_path, "-q").returncode == 0


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--implementation=nobody_here"], 4, "no implementation is called 'nobody_here'"),
        (["--implementation=numpy_windows", "--convgauge-tier=medium"], 4, "tier 'medium' is not one of"),
        (["--implementation=numpy_windows", "--convgauge-profile=mine"], 4, "profile 'mine' is not one of"),
        (["--implementation=numpy_windows", "--convgauge-require=best"], 4, "require 'best' is not one of correct,"),
        (
            ["--implementation=numpy_windows", "--convgauge-spec=paddin.pair"],
            4,
            "no spec is called paddin.pair; did you",
        ),
        (["--implementation=numpy_windows", "--convgauge-dtype=float31"], 4, "dtype 'float31' is not one of"),
    ],
)
def test_a_wrong_option_is_reported_in_one_sentence(
    tmp_path: Path, words: list[str], status: int, message: str
) -> None:
    (tmp_path / "test_ordinary.py").write_text("def test_passes():\n    pass\n")
    run = pytest_in(tmp_path, *words)
    assert run.returncode == status
    assert message in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


SPECS = '''
from convgauge.conformance import problems, spec

@spec("mine.sound", source="this test")
def test_sound(judge):
    """The output is the exact one."""
    judge.exact(problems(kernel=[(1, 1), (2, 3)]))

@spec("mine.broken", source="this test")
def test_broken(judge):
    """The spec itself has a defect."""
    raise LookupError("a defect of the spec")

@spec("mine.recommended", level="recommended", source="this test")
def test_recommended(judge):
    """The output is zero."""
    judge.equals(problems(kernel=[(1, 1)]), lambda case, operands: 0 * operands.input)

@spec("mine.last", source="this test")
def test_last(judge):
    """The output is the exact one."""
    judge.exact(problems(kernel=[(3, 1)]))
'''


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    (tmp_path / "test_mine.py").write_text(SPECS)
    return tmp_path


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_defect_of_one_spec_does_not_lose_the_others(specs: Path, jobs: int) -> None:
    options = ["--implementation=numpy_windows", "--convgauge-tier=quick", "--convgauge-output=run.jsonl"]
    run = pytest_in(specs, *options, f"--convgauge-jobs={jobs}")
    assert run.returncode == 3
    assert "a defect of the spec" in run.stdout
    assert "test_broken[numpy_windows-float32-cpu] did not come to a verdict" in run.stdout
    records = results.read(specs / "run.jsonl").records_of(results.SpecRecord)
    assert [(record.spec, record.status) for record in records] == [
        ("mine.sound", "passed"),
        ("mine.recommended", "failed"),
        ("mine.last", "passed"),
    ]


def test_a_recommended_spec_does_not_stop_a_run(specs: Path) -> None:
    run = pytest_in(specs, "--implementation=numpy_windows", "--convgauge-tier=quick", "-x", "-k", "not broken")
    assert run.returncode == 0
    assert "recommended, not required: mine.recommended failed" in run.stdout


TRANSPOSED = """
import numpy as np

def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.einsum("nchw,oc->nowh", input, weight[:, :, 0, 0])
"""

POINTWISE = '''
from convgauge.conformance import problems, spec

@spec("mine.first", source="this test")
def test_first(judge):
    """The output is the exact one."""
    judge.exact(problems(kernel=[(1, 1)], padding=[(0, 0)]))

@spec("mine.second", source="this test")
def test_second(judge):
    """The output is the exact one again."""
    judge.exact(problems(kernel=[(1, 1)], padding=[(0, 0)]))
'''


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    (tmp_path / "test_mine.py").write_text(POINTWISE)
    (tmp_path / "kernel.py").write_text(TRANSPOSED)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "reports", "has_details"),
    [(["-q"], 0, True), (["-qq"], 0, False), (["-v"], 2, True), (["-v", "--tb=no"], 0, True)],
)
def test_reports_of_specs_are_shown_if_every_spec_is(
    faulty: Path, words: list[str], reports: int, has_details: bool
) -> None:
    options = ["--implementation=kernel.py:conv2d", "--convgauge-framework=numpy", "--convgauge-tier=quick"]
    run = pytest_in(faulty, *options, *words)
    assert run.returncode == 1
    assert (
        run.stdout.count("mine.first (required) failed") + run.stdout.count("mine.second (required) failed") == reports
    )
    assert run.stdout.count("FAILURES") == (reports > 0)
    assert "conv2d: wrong. " in run.stdout
    assert ("  judged " in run.stdout) == has_details
    assert ("[100%]" in run.stdout) == has_details


def test_the_first_failure_that_stops_a_run_is_diagnosed(faulty: Path) -> None:
    options = ["--implementation=kernel.py:conv2d", "--convgauge-framework=numpy", "--convgauge-tier=quick"]
    run = pytest_in(faulty, *options, "-x")
    assert run.returncode == 1
    assert "specs: 1 failed" in run.stdout
    assert "the failing spec" in run.stdout


def test_items_can_be_collected_without_judging(specs: Path) -> None:
    run = pytest_in(specs, "--implementation=numpy_windows", "--convgauge-tier=quick", "--collect-only", "-q")
    assert run.stdout.count("test_mine.py::") == 4
    assert "test_last[numpy_windows-float32-cpu]" in run.stdout


def test_specs_are_skipped_if_no_implementation_is_named(specs: Path) -> None:
    run = pytest_in(specs, "-q")
    assert run.returncode == 0
    assert "4 skipped" in run.stdout


@pytest.mark.parametrize(
    ("status", "outcomes", "require", "shown"),
    [
        ("passed", {"passed": 3}, "conformant", "passed"),
        ("passed", {"passed": 3, "refused": 1}, "correct", "passed"),
        ("passed", {"passed": 3, "refused": 1}, "complete", "refused"),
        ("passed", {"passed": 3, "declined": 1}, "conformant", "declined"),
        ("answered_invalid", {"answered_invalid": 1}, "correct", "answered_invalid"),
        ("failed", {"failed": 1, "refused": 1}, "complete", "failed"),
    ],
)
def test_a_spec_is_shown_by_the_cases_that_make_it_fail(
    status: Status, outcomes: dict[str, int], require: Requirement, shown: Status
) -> None:
    record = results.SpecRecord("kernel", "some.thing", "required", status, 3, outcomes=outcomes)
    assert shown_status(record, require) == shown
