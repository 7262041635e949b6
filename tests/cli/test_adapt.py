"""``convgauge adapt``: the adapter on standard output, the summary beside it, and clear sentences for bad input."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from support.command_line import convgauge
from support.paths import SUPPORT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(SUPPORT / "odd_forms.py", tmp_path)
    return tmp_path


@pytest.mark.once
def test_the_adapter_alone_is_on_standard_output(folder: Path) -> None:
    process = convgauge("adapt", "odd_forms.py:numbers", folder=folder)
    assert process.returncode == 0, process.stderr
    assert "def conv2d" in process.stdout
    ast.parse(process.stdout)
    assert "right on 9 of 9 trial problems; not supported: unequal padding" in process.stderr
    assert "next: convgauge check adapter.py:conv2d --framework numpy" in process.stderr


@pytest.mark.once
def test_the_next_command_judges_the_adapter(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    output = "elsewhere/my_adapter.py"
    process = convgauge("adapt", "odd_forms.py:conv_param", "--output", output, folder=folder)
    assert process.stdout == ""
    (line,) = [line for line in process.stderr.splitlines() if line.startswith("next: ")]
    words = line.removeprefix("next: convgauge ").split()
    checked = convgauge(*words, "--tier", "quick", "-k", "test_definition", folder=folder)
    assert checked.returncode == 0, checked.stdout
    assert "conv2d: partial" in checked.stdout


@pytest.mark.once
def test_a_fault_that_is_no_form_is_shown(folder: Path) -> None:
    process = convgauge("adapt", "odd_forms.py:nhwc", folder=folder, ODD_FORMS_TURNED="1")
    assert process.returncode == 1
    assert process.stdout == ""
    assert "kernel turned by 180°" in process.stderr


@pytest.mark.once
def test_the_nearest_guess_is_shown(folder: Path) -> None:
    process = convgauge("adapt", "odd_forms.py:fixed_table", folder=folder)
    assert process.returncode == 1
    assert "no guess about the form" in process.stderr
    assert "nearest: NCHW input, OIHW weight" in process.stderr
    assert "the meaning of its parameter lookup is unknown" in process.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("odd_forms.py:numbres",), "has no 'numbres'; it has numbers"),
        (("nowhere.py:conv",), "there is no file nowhere.py"),
        (("odd_forms.py",), "name a function: odd_forms.py:FUNCTION"),
        (("odd_forms.py:numbers", "--framework", "caffe"), "'caffe' is not one of"),
        (("odd_forms.py:numbers", "--output", "/nowhere/adapter.py"), "/nowhere/adapter.py"),
        (("odd_forms.py:__doc__",), "is str, no function"),
    ],
)
def test_bad_input_is_one_sentence(words: tuple[str, ...], message: str, folder: Path) -> None:
    process = convgauge("adapt", *words, folder=folder)
    assert process.returncode == 4, process.stderr
    assert message in process.stderr
    assert "Traceback" not in process.stderr
