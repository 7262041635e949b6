"""[tool.convgauge] of a project's pyproject.toml: defaults that the command line overrides, one sentence if wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from convgauge import cli
from convgauge.cli.usage import UsageError

TABLE = """
[tool.convgauge]
targets = ["kernels/mine.py:conv2d", "numpy_windows"]
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


def parsed(*words: str) -> Any:
    return cli._parsed(cli._parser(), list(words))


def test_the_table_gives_the_defaults_of_check(project: Path) -> None:
    options = parsed("check")
    assert options.target == ["../kernels/mine.py:conv2d", "numpy_windows"]
    assert (options.framework, options.profile, options.dtype) == ("numpy", "kernel", "float32,float64")
    assert options.expect == str(project / "known.toml")
    assert options.timeout == 5
    assert options.no_isolation


def test_a_command_takes_the_keys_that_it_has(project: Path) -> None:
    options = parsed("bench")
    assert (options.layers, options.threads, options.framework) == ("smoke", "1,2", "numpy")
    assert not hasattr(options, "profile")


def test_the_command_line_wins(project: Path) -> None:
    options = parsed("check", "naive_loops", "--profile", "torch")
    assert options.target == ["naive_loops"]
    assert options.profile == "torch"


def test_other_commands_have_no_defaults(project: Path) -> None:
    assert parsed("list").run is cli._list


def test_help_is_shown_whatever_the_table_says(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.convgauge]\nprofil = 1\n")
    with pytest.raises(SystemExit) as ended:
        parsed("check", "--help")
    assert ended.value.code == 0


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ('profil = "kernel"', "has no key 'profil'; did you mean profile?"),
        ('color = "blue"', "has no key 'color'"),
        ('resume = "run.jsonl"', "has no key 'resume'"),
        ("no-isolation = 1", "no-isolation of .* is true or false, not 1"),
        ("profile = { of = 1 }", "profile of .* is a text, a number or a list"),
        ("profile = ", "cannot be read"),
    ],
)
def test_a_wrong_table_is_one_sentence(project: Path, table: str, complaint: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.convgauge]\n{table}\n")
    with pytest.raises(UsageError, match=complaint) as said:
        parsed("check", "numpy_windows")
    assert "\n" not in str(said.value)


def test_a_value_is_checked_as_if_it_had_been_typed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text("[tool.convgauge]\ntimeout = -1\n")
    with pytest.raises(SystemExit) as ended:
        parsed("check", "numpy_windows")
    assert ended.value.code == 4
    assert "--timeout: -1 is not above 0" in capsys.readouterr().err


def test_without_targets_it_is_said_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="check what"):
        parsed("check")
