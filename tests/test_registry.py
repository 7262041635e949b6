"""Implementations: declared, found by name, file, module and entry point, loaded, and refused with a clear message."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convgauge import registry
from convgauge.registry import Implementation, LoadError, TargetError, load, resolve

GOOD = '''
from convgauge import implementation

@implementation(framework="numpy", algorithm="fft", name="quick", declines={"groups": "only one"}, source="a paper")
def one(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """First line.

    More."""
    return input

def two(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Plain."""
    return input

def narrow(input, weight):
    return input

class Box:
    @staticmethod
    def conv(input, weight, bias=None, **rest):
        return input

number = 7
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kernels.py"
    path.write_text(GOOD)
    return path


def test_a_declaration_is_read_without_running_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(GOOD + "\nraise SystemExit('never run me')\n")
    (origin,) = resolve(str(path))
    said = origin.declaration
    assert said is not None
    assert (origin.name, origin.attribute, said.framework, said.algorithm) == ("quick", "one", "numpy", "fft")
    assert (said.grade, said.summary, said.source) == ("B", "First line.", "a paper")
    assert said.declines == {"groups": "only one"}


def test_a_declared_function_still_is_one(file: Path) -> None:
    loaded = load(resolve(f"{file}:one")[0])
    assert isinstance(loaded, Implementation)
    assert loaded(5, None) == 5
    assert loaded.declaration.name == "quick"


@pytest.mark.parametrize("attribute", ["one", "quick"])
def test_a_declared_function_is_found_by_either_name(file: Path, attribute: str) -> None:
    assert resolve(f"{file}:{attribute}")[0].name == "quick"


@pytest.mark.parametrize("framework", ["numpy", "torch", ""])
def test_a_plain_function_wants_what_it_is_said_to(file: Path, framework: str) -> None:
    (origin,) = resolve(f"{file}:two", framework)
    expected = framework or ("torch" if registry.is_installed("torch") else "numpy")
    assert load(origin).declaration.framework == expected
    assert load(origin).declaration.grade == ""


def test_attributes_of_attributes_are_found(file: Path) -> None:
    assert load(resolve(f"{file}:Box.conv", "numpy")[0])(3, 4) == 3


def test_a_module_is_found_on_the_path(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    (origin,) = resolve("kernels:two", "numpy")
    assert (origin.kind, origin.location, origin.attribute) == ("module", "kernels", "two")
    assert load(origin)(np.ones(1), None) == np.ones(1)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("torch_conv", "torch_conv2d"),
        ("numpy_window", "did you mean numpy_windows"),
        ("zzzzzz", "registered: "),
        ("nowhere/at_all.py:conv", "there is no file"),
        ("", "no implementation is called ''"),
    ],
)
def test_an_unknown_target_lists_near_ones(target: str, said: str) -> None:
    with pytest.raises(TargetError) as caught:
        resolve(target)
    assert said in str(caught.value)


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


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("tow", "has no 'tow'; it has two"),
        ("narrow", "cannot be called as f(input, weight, bias=None"),
        ("number", "is int, not a function"),
    ],
)
def test_what_does_not_fit_is_refused(file: Path, attribute: str, said: str) -> None:
    with pytest.raises(LoadError) as caught:
        load(resolve(f"{file}:{attribute}", "numpy")[0])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import not_there_at_all\n", "ModuleNotFoundError"),
        ("def broken(:\n", "SyntaxError"),
        ("raise SystemExit(3)\n", "SystemExit"),
        ("def f():\n    return 1 / 0\nf()\n", "ZeroDivisionError"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    ],
)
def test_a_file_that_does_not_import_shows_its_own_traceback(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(LoadError) as caught:
        load(resolve(f"{path}:conv", "numpy")[0])
    assert said in str(caught.value)
    assert "broken.py" in caught.value.trace
    assert "loading.py" not in caught.value.trace
    assert "importlib" not in caught.value.trace


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


def test_an_absent_package_is_told_with_its_install_command(tmp_path: Path) -> None:
    path = tmp_path / "absent.py"
    path.write_text("import not_there_at_all\n" + GOOD)
    (origin,) = resolve(str(path))
    assert origin.absent.startswith("not_there_at_all is not installed (python -m pip install")
