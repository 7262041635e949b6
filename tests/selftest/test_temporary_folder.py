"""Tests of the temporary folder of a self-test, and of what mutants keep in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convgauge.selftest.mutants import folder
from convgauge.selftest.temporary_folder import VARIABLE, temporary_folder

STORE = """
import numpy as np
from _disk import Store

store = Store("example")
print(store.earlier("key") is None)
store.add(np.ones(3), "key")
"""


def is_empty() -> bool:
    """Return True if a process finds nothing that an earlier process stored, before it stores something itself."""
    environment = {**os.environ, "PYTHONPATH": str(folder())}
    command = [sys.executable, "-c", STORE]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "True\n"


def test_processes_of_one_program_share_a_store_that_ends_with_the_self_test() -> None:
    with temporary_folder():
        path = Path(os.environ[VARIABLE])
        assert [is_empty(), is_empty()] == [True, False]
        assert any(path.iterdir())
    assert not path.exists()
    with temporary_folder():
        assert is_empty()


def test_the_variable_is_restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with temporary_folder():
        assert os.environ[VARIABLE] != str(tmp_path)
    assert os.environ[VARIABLE] == str(tmp_path)


def test_the_folder_of_a_program_that_has_ended_is_removed() -> None:
    with temporary_folder():
        old = Path(os.environ[VARIABLE]) / "convgauge-mutant-999999999-1"
        old.mkdir()
        assert is_empty()
        assert not old.exists()
