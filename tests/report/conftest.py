"""A report that the tests of its pages share."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge import report
from support import synthetic_runs


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Report of a complete run and of one that was cut off and has hostile names, in two environments."""
    folder = tmp_path_factory.mktemp("report")
    whole = synthetic_runs.write(folder / "whole.jsonl", 6, 24, 1200, label="py311")
    matrix = synthetic_runs.write_matrix(folder / "selftest.json")
    cut = synthetic_runs.write(folder / "cut.jsonl", 6, 24, 1200, 3, whole=False, hostile=True, label="py312")
    table = synthetic_runs.write_diagnoses(folder / "diagnoses.json")
    return report.build([whole, matrix, table, cut], folder / "site").parent
