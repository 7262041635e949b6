"""The pytest plugin does nothing in projects that do not ask for it, and works with pytest's own options."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
