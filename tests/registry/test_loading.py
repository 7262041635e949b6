"""Implementations are loaded, and code that does not fit is refused with a clear message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convgauge import registry
from convgauge.registry import Implementation, LoadError, load, resolve


def test_a_declared_function_still_is_one(file: Path) -> None:
    loaded = load(resolve(f"{file}:one")[0])
    assert isinstance(loaded, Implementation)
    assert loaded(5, None) == 5
    assert loaded.declaration.name == "quick"


def test_a_name_that_the_caller_gives_is_kept(file: Path) -> None:
    loaded = load(resolve(f"mine={file}:one")[0])
    assert (loaded.declaration.name, loaded.declaration.algorithm) == ("mine", "fft")
    assert load(resolve(f"mine={file}:two", "numpy")[0]).declaration.name == "mine"


def test_a_domain_that_does_not_parse_is_refused_when_the_file_runs(tmp_path: Path) -> None:
    path = tmp_path / "narrow.py"
    path.write_text(
        "from convgauge.registry import implementation as declare\n"
        "@declare(framework='numpy', algorithm='x', supports='group == 1')\n"
        "def f(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1): ...\n"
    )
    with pytest.raises(LoadError, match="DomainError: `group` at column 1 is not a field: did you mean groups"):
        load(resolve(f"{path}:f", "numpy")[0])


@pytest.mark.parametrize("framework", ["numpy", "torch", ""])
def test_a_function_without_declaration_gets_the_demanded_framework(file: Path, framework: str) -> None:
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
    ("attribute", "text"),
    [
        ("tow", "has no 'tow'; it has two"),
        ("narrow", "cannot be called as f(input, weight, bias=None"),
        ("number", "is int, not a function"),
    ],
)
def test_what_does_not_fit_is_refused(file: Path, attribute: str, text: str) -> None:
    with pytest.raises(LoadError) as caught:
        load(resolve(f"{file}:{attribute}", "numpy")[0])
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("import not_there_at_all\n", "ModuleNotFoundError"),
        ("def broken(:\n", "SyntaxError"),
        ("raise SystemExit(3)\n", "SystemExit"),
        ("def f():\n    return 1 / 0\nf()\n", "ZeroDivisionError"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    ],
)
def test_a_file_that_does_not_import_shows_its_own_traceback(tmp_path: Path, source: str, text: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(source)
    with pytest.raises(LoadError) as caught:
        load(resolve(f"{path}:conv", "numpy")[0])
    assert text in str(caught.value)
    assert "broken.py" in caught.value.trace
    assert "loading.py" not in caught.value.trace
    assert "importlib" not in caught.value.trace


@pytest.mark.parametrize(
    ("source", "framework"),
    [
        ("import numpy as np", "numpy"),
        ("from numpy import zeros", "numpy"),
        ("import numpy\nimport torch", "torch"),
        ("from torch.nn import functional", "torch"),
    ],
)
def test_a_function_takes_the_arrays_that_its_module_imports(tmp_path: Path, source: str, framework: str) -> None:
    if framework == "torch" and not registry.is_installed("torch"):
        pytest.skip("torch is not installed")
    path = tmp_path / "mine.py"
    path.write_text(f"{source}\ndef conv(x, w):\n    return x\n")
    loaded = load(resolve(f"{path}:conv")[0])
    assert loaded.declaration.framework == framework
    assert not loaded.is_declared


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("def conv(x, w, table):\n    pass", "its parameter table is no argument of conv2d"),
        ("def conv(x, w, pad, padding):\n    pass", "its parameters pad and padding both mean padding"),
        ("def conv(x):\n    pass", "no parameter takes the weight"),
        ("class conv:\n    def __init__(self, channels):\n        pass", "whose constructor takes channels"),
        ("class conv:\n    pass", "is a class without __call__"),
        ("class conv:\n    def __init__(self):\n        1 / 0\n    def __call__(self, x, w):\n        pass",
         "cannot be instantiated: ZeroDivisionError"),
    ],
)  # fmt: skip
def test_a_form_without_clear_meaning_is_one_sentence_with_the_next_step(
    tmp_path: Path, source: str, text: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source + "\n")
    with pytest.raises(LoadError) as caught:
        load(resolve(f"{path}:conv", "numpy")[0])
    assert text in str(caught.value)
