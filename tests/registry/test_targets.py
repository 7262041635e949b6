"""Implementations are found by name, file, module and entry point, and an unknown target is an error that helps."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

from convgauge import registry
from convgauge.registry import TargetError, resolve, resolve_all, short_target_of, target_of


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


def test_a_target_may_give_a_name(file: Path) -> None:
    (origin,) = resolve(f"mine={file}:one")
    assert (origin.name, origin.attribute, origin.is_renamed) == ("mine", "one", True)
    assert origin.declaration is not None
    assert origin.declaration.name == "mine"
    (plain,) = resolve(f"mine-2.0={file}:two", "numpy")
    assert (plain.name, plain.attribute, plain.framework) == ("mine-2.0", "two", "numpy")
    assert resolve(f"two={file}:two", "numpy") == resolve(f"{file}:two", "numpy")
    assert resolve("fast=numpy_windows")[0].is_same_place(resolve("numpy_windows")[0])
    assert resolve("theirs=kernels:two")[0].kind == "module"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("mine=builtin", "'builtin' stands for .* implementations: give the name to one of them"),
        ("numpy_windows={file}:two", "the name 'numpy_windows' is that of a registered implementation"),
        ("mine=nowhere", "no implementation is called 'nowhere'"),
        ("a name={file}:two", "there is no file a name="),
    ],
)
def test_a_name_that_cannot_be_given_is_refused(file: Path, target: str, text: str) -> None:
    with pytest.raises(TargetError, match=text):
        resolve(target.format(file=file))


def test_a_file_whose_path_has_the_sign_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a=b.py").write_text("def f(): ...\n")
    assert resolve("a=b.py:f", "numpy")[0].name == "f"


def test_targets_of_one_name_are_one_implementation_or_an_error(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text(file.read_text())
    assert len(resolve_all([f"{file}:two", f"{file.parent}/./{file.name}:two"], "numpy")) == 1
    with pytest.raises(TargetError, match=r"two targets are called 'two', .*: name one of them, for example two_2=/"):
        resolve_all([f"{file}:two", f"{other}:two"], "numpy")
    named = resolve_all([f"{file}:two", f"mine={other}:two", f"again={file}:two"], "numpy")
    assert [origin.name for origin in named] == ["two", "mine", "again"]


def test_an_origin_has_a_target(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for target in ("numpy_windows", "fast=numpy_windows", f"mine={file}:two", f"{file}:two"):
        (origin,) = resolve(target)
        assert target_of(origin) == target
    monkeypatch.chdir(file.parent)
    assert short_target_of(resolve(f"mine={file}:two")[0]) == "mine=kernels.py:two"
    assert short_target_of(resolve(f"{file}:two")[0]) == "kernels.py:two"
    assert short_target_of(resolve("numpy_windows")[0]) == "numpy_windows"


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
    assert target_of(resolve("mine=kernels:two")[0]) == "mine=theirs"


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
