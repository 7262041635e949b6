"""Implementations are found by name, file, module and entry point, and an unknown target is an error that helps."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

from convgauge import registry
from convgauge.registry import TargetError, resolve


def test_a_declaration_is_read_without_running_the_file(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(file.read_text() + "\nraise SystemExit('never run me')\n")
    (origin,) = resolve(str(path))
    declaration = origin.declaration
    assert declaration is not None
    assert (origin.name, origin.attribute, declaration.framework, declaration.algorithm) == (
        "quick",
        "one",
        "numpy",
        "fft",
    )
    assert (declaration.grade, declaration.summary, declaration.source) == ("B", "First line.", "a paper")
    assert declaration.declines == {"groups": "only one"}


@pytest.mark.parametrize("attribute", ["one", "quick"])
def test_a_declared_function_is_found_by_either_name(file: Path, attribute: str) -> None:
    assert resolve(f"{file}:{attribute}")[0].name == "quick"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("torch_conv", "torch_conv2d"),
        ("numpy_window", "did you mean numpy_windows"),
        ("zzzzzz", "registered: "),
        ("nowhere/at_all.py:conv", "there is no file"),
        ("", "no implementation is called ''"),
    ],
)
def test_an_unknown_target_lists_near_ones(target: str, text: str) -> None:
    with pytest.raises(TargetError) as caught:
        resolve(target)
    assert text in str(caught.value)


def test_an_unknown_framework_is_refused(file: Path) -> None:
    with pytest.raises(TargetError, match="framework 'tensorflow' is not one of"):
        resolve(f"{file}:two", "tensorflow")


def test_a_file_of_plain_functions_needs_one_named(tmp_path: Path) -> None:
    path = tmp_path / "plain.py"
    path.write_text("def conv(input, weight): ...\n")
    with pytest.raises(TargetError, match=r"plain\.py:FUNCTION"):
        resolve(str(path))


def test_an_argument_that_is_no_literal_is_named(tmp_path: Path) -> None:
    path = tmp_path / "computed.py"
    path.write_text("from convgauge import implementation\nF = 'numpy'\n@implementation(framework=F, algorithm='x')\n"
                    "def f(input, weight, bias=None): ...\n")  # fmt: skip
    with pytest.raises(TargetError, match="line 3: framework must be a literal"):
        resolve(str(path))


def test_the_supported_domain_is_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "narrow.py"
    text = "from convgauge import implementation\n@implementation(framework='numpy', algorithm='x', supports={!r})\n"
    path.write_text(text.format("groups ==  1") + "def f(input, weight, bias=None): ...\n")
    (origin,) = resolve(str(path))
    assert origin.declaration is not None
    assert origin.declaration.supports == "groups == 1"
    path.write_text(text.format("group == 1") + "def f(input, weight, bias=None): ...\n")
    with pytest.raises(TargetError, match=r"narrow\.py, line 2: supports of f: `group` at column 1 is not a field"):
        resolve(str(path))


def test_a_name_used_twice_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = "from convgauge import implementation\n@implementation(framework='numpy', algorithm='direct')\n"
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(declared + "def same(input, weight, bias=None): ...\n")
    monkeypatch.setattr("convgauge.registry.targets.bundled", lambda *_: tmp_path)
    with pytest.raises(TargetError, match="two implementations are called 'same'"):
        registry.builtins()


def test_entry_points_are_registered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("theirs", "kernels:two", registry.ENTRY_POINTS)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [point])
    monkeypatch.syspath_prepend(file.parent)
    (origin,) = resolve("theirs")
    assert (origin.location, origin.attribute) == ("kernels", "two")
    assert "theirs" in registry.known()


def test_an_entry_point_that_takes_a_builtins_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    point: Any = importlib.metadata.EntryPoint("numpy_windows", "theirs:conv", registry.ENTRY_POINTS)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [point])
    with pytest.raises(TargetError, match="two implementations are called 'numpy_windows'"):
        registry.known()


def test_an_absent_package_is_named_with_its_install_command(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "absent.py"
    path.write_text("import not_there_at_all\n" + file.read_text())
    (origin,) = resolve(str(path))
    assert origin.absent.startswith("not_there_at_all is not installed (python -m pip install")
