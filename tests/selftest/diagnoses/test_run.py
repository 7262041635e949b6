"""Tests of the diagnosis of mutants: a finding, and its use in a further run."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from convgauge.cli.entry_point import main
from convgauge.selftest.diagnoses.finding import DiagnosisFinding
from convgauge.selftest.diagnoses.run import diagnose_mutants, fingerprint
from convgauge.selftest.diagnoses.table import DiagnosisTable
from convgauge.selftest.mutants import Mutant, folder, mutants
from convgauge.terms import ExitStatus

pytestmark = pytest.mark.once

MUTANTS = """
import numpy as np
from _base import mutant

@mutant("Returns a single zero.", mechanism="wrong_shape", also=("stale_memory",), killed_by=("padding.pair",))
def zero(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.zeros((1, 1, 1, 1), np.float32)
"""

ABSENT = """
import nothing_of_this_name
from _base import mutant

@mutant("Needs a module that does not exist.", mechanism="crash", killed_by=())
def absent(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return input
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mutants")
    (root / "few.py").write_text(MUTANTS)
    (root / "absent.py").write_text(ABSENT)
    shutil.copy(folder() / "_base.py", root)
    return root


def test_mutants_are_diagnosed_once(root: Path, tmp_path: Path) -> None:
    chosen = mutants(root)
    examined: list[str] = []
    table = diagnose_mutants(
        chosen, "quick", jobs=2, progress=lambda finding, _: examined.append(finding.name), evidence=tmp_path
    )
    absent, zero = table.diagnoses
    assert sorted(examined) == ["absent", "zero"]
    assert zero.has_failed
    assert zero.kinds == ["wrong_shape", "stale_memory"]
    assert zero.error == ""
    assert any("zero: wrong" in line for line in zero.text)
    assert absent.not_run
    again = diagnose_mutants(chosen, "quick", earlier=table.diagnoses, progress=lambda *_: pytest.fail("examined"))
    assert again.diagnoses == table.diagnoses
    _assert_same_from_evidence(chosen, table, tmp_path)


def _assert_same_from_evidence(chosen: Sequence[Mutant], table: DiagnosisTable, evidence: Path) -> None:
    """Assert that the judged cases in a folder are diagnosed again, with the same result, and not judged again."""
    (path,) = evidence.iterdir()
    before = path.stat().st_mtime_ns
    (zero,) = (finding for finding in table.diagnoses if finding.name == "zero")
    mutant = [each for each in chosen if each.name == "zero"]
    (again,) = diagnose_mutants(mutant, "quick", evidence=evidence).diagnoses
    assert path.stat().st_mtime_ns == before
    assert again.causes == zero.causes
    assert (again.failing, again.unexplained, again.kinds) == (zero.failing, zero.unexplained, zero.kinds)
    assert not again.error


def test_a_fingerprint_changes_with_the_tier_and_the_file(root: Path) -> None:
    mutant = next(mutant for mutant in mutants(root) if mutant.name == "zero")
    before = fingerprint(mutant, "quick")
    assert before == fingerprint(mutant, "quick")
    assert before != fingerprint(mutant, "standard")
    path = root / "few.py"
    path.write_text(MUTANTS + "# changed\n")
    assert before != fingerprint(mutant, "quick")
    path.write_text(MUTANTS)


def test_a_name_without_mutants_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--diagnosis", "-k", "no_such", "-k", "nor_such"]) == ExitStatus.NOTHING_EXECUTED
    assert "'no_such' or 'nor_such'" in capsys.readouterr().err


def test_a_finding_without_faults_has_no_false_cause() -> None:
    assert DiagnosisFinding("sound", False).false_causes == []
