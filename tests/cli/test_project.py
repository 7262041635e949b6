"""[tool.convgauge] of a project's pyproject.toml: defaults that the command line overrides, one sentence if wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from convgauge import cli
from support.command_line import parse

TABLE = """
[tool.convgauge]
targets = ["kernels/mine.py:conv2d", "numpy_windows", "new=kernels/new.py:conv2d"]
supports = "groups == 1 and dtype in ('float32', 'float64')"
framework = "numpy"
profile = "kernel"
dtype = ["float32", "float64"]
expect = "known.toml"
timeout = 5
layers = "smoke"
threads = [1, 2]
no-isolation = true
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text(TABLE)
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    return tmp_path


def parsed(*words: str) -> dict[str, Any]:
    return parse(words).params


def test_the_table_gives_the_defaults_of_check(project: Path) -> None:
    values = parsed("check")
    assert values["targets"] == ("../kernels/mine.py:conv2d", "numpy_windows", "new=../kernels/new.py:conv2d")
    assert values["supports"] == "groups == 1 and dtype in ('float32', 'float64')"
    assert (values["framework"], values["profile"]) == ("numpy", "kernel")
    assert values["dtypes"] == ("float32", "float64")
    assert values["expect"] == str(project / "known.toml")
    assert values["timeout_s"] == 5
    assert values["isolation"] is True, "the flag is given"


def test_a_command_takes_the_keys_that_it_has(project: Path) -> None:
    values = parsed("bench")
    assert (values["layers"], values["threads"], values["framework"]) == ("smoke", (1, 2), "numpy")
    assert "profile" not in values


def test_the_command_line_overrides_the_table(project: Path) -> None:
    values = parsed("check", "naive_loops", "--profile", "torch")
    assert values["targets"] == ("naive_loops",)
    assert values["profile"] == "torch"


def test_other_commands_do_not_read_the_table(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.convgauge]\nprofil = 1\n")
    assert parsed("list") == {"specs": False, "as_json": False}


def test_help_does_not_read_the_table(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text("[tool.convgauge]\nprofil = 1\n")
    assert cli.main(["check", "--help"]) == 0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('profil = "kernel"', "has no key 'profil'; did you mean profile?"),
        ('color = "blue"', "has no key 'color'"),
        ('resume = "run.jsonl"', "has no key 'resume'"),
        ("no-isolation = 1", "no-isolation of .* must be true or false, not 1"),
        ("profile = { of = 1 }", "profile of .* must be a text, a number or a list"),
        ("profile = ", "cannot be read"),
    ],
)
def test_a_wrong_table_is_one_sentence(project: Path, table: str, message: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.convgauge]\n{table}\n")
    with pytest.raises(click.ClickException, match=message) as raised:
        parsed("check", "numpy_windows")
    assert "\n" not in str(raised.value.message)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("timeout = -1", "timeout = -1 s: must be greater than 0"),
        ('tier = "medium"', "'--tier': 'medium' is not one of"),
        ("jobs = 1.5", "'--jobs': '1.5' is not a valid integer"),
    ],
)
def test_a_wrong_value_names_its_file(
    project: Path, table: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pyproject.toml").write_text(f"[tool.convgauge]\n{table}\n")
    assert cli.main(["check", "numpy_windows"]) == 4
    printed = capsys.readouterr().err
    assert message in printed
    assert f"(set by [tool.convgauge] in {project / 'pyproject.toml'})" in printed
