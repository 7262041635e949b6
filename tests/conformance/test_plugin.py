"""The pytest plugin stays out of the way of projects that do not ask for it, and works with pytest's own options."""

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


def test_a_project_that_does_not_use_it_sees_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "test_ordinary.py").write_text(ORDINARY)
    found = pytest_in(tmp_path, "-q")
    assert found.returncode == 1
    assert "3 passed" in found.stdout
    assert "1 failed" in found.stdout
    assert "convgauge" not in found.stdout
    assert "verdicts" not in found.stdout


def test_it_costs_a_project_that_does_not_use_it_no_import(tmp_path: Path) -> None:
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
    ("words", "status", "said"),
    [
        (["--implementation=nobody_here"], 4, "no implementation is called 'nobody_here'"),
        (["--implementation=numpy_windows", "--convgauge-tier=medium"], 4, "tier 'medium' is not one of"),
        (["--implementation=numpy_windows", "--convgauge-profile=mine"], 4, "profile 'mine' is not one of"),
        (["--implementation=numpy_windows", "--convgauge-dtype=float31"], 4, "dtype 'float31' is not one of"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, words: list[str], status: int, said: str) -> None:
    (tmp_path / "test_ordinary.py").write_text("def test_passes():\n    pass\n")
    found = pytest_in(tmp_path, *words)
    assert found.returncode == status
    assert said in found.stdout + found.stderr
    assert "Traceback" not in found.stdout + found.stderr
