"""``check --python``: the implementation runs in another interpreter, with its own packages and NumPy alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import convgauge
from support.paths import SUPPORT

pytestmark = pytest.mark.once
PACKAGE = Path(convgauge.__file__).parent
WORKER = [
    *("__init__", "arguments", "bundled", "dtypes", "problem"),
    *(
        path.relative_to(PACKAGE).with_suffix("").as_posix()
        for package in ("registry", "worker")
        for path in sorted((PACKAGE / package).rglob("*.py"))
    ),
]
OLDEST = (3, 9)
NEWER = {  # names that Python 3.10 and 3.11 introduced
    "pairwise", "tomllib", "UTC", "StrEnum", "ExceptionGroup", "TaskGroup", "bit_count", "chdir", "slots", "kw_only",
    "strict",
}  # fmt: skip
KERNEL = """
import only_there

def kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return only_there.conv(input, weight, bias, stride, padding, dilation, groups)
"""
FEW = ["--framework", "numpy", "--tier", "quick", "-k", "definition", "-q"]


def check(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convgauge", "check", *map(str, words), *FEW]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("name", WORKER)
def test_the_childs_part_is_written_in_the_oldest_python(name: str) -> None:
    tree = ast.parse((PACKAGE / f"{name}.py").read_text("utf-8"), feature_version=OLDEST)
    used = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert not used & NEWER
    assert not [node for node in ast.walk(tree) if type(node).__name__ in ("Match", "TryStar")]
    annotated = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) for node in ast.walk(tree))
    assert not annotated or "from __future__ import annotations" in (PACKAGE / f"{name}.py").read_text("utf-8")


def others() -> list[Path]:
    """Interpreters of other versions that pyenv has, the oldest first."""
    pythons = {}
    for path in Path.home().glob(".pyenv/versions/3.*/bin/python"):
        version = tuple(int(part) for part in path.parts[-3].split(".")[:2] if part.isdecimal())
        if version >= OLDEST and version != sys.version_info[:2]:
            pythons[version] = path
    return [pythons[version] for version in sorted(pythons)]


@pytest.fixture(scope="module", params=["oldest", "newest"])
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment of another Python with NumPy, and a module that is only there."""
    pythons = others()
    if not pythons:
        pytest.skip("pyenv has no other Python here")
    folder = tmp_path_factory.mktemp(request.param)
    python = folder / "bin" / "python"
    subprocess.run([pythons[0 if request.param == "oldest" else -1], "-m", "venv", folder], check=True)
    install: list[str | Path] = [python, "-m", "pip", "install", "-q", "--only-binary", ":all:", "numpy"]
    process = subprocess.run(install, capture_output=True, text=True, check=False)
    if process.returncode:
        pytest.skip("NumPy cannot be installed here")
    (site,) = folder.glob("lib/python3.*/site-packages")
    sound = (SUPPORT / "faulty_processes.py").read_text("utf-8")
    (site / "only_there.py").write_text(sound)
    return python


def test_a_kernel_whose_packages_are_only_there(other: Path, tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL)
    process = check(f"{tmp_path / 'kernel.py'}:kernel", "--python", other)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "kernel: conformant" in process.stdout
    here = check(f"{tmp_path / 'kernel.py'}:kernel")
    assert here.returncode == 4
    assert "only_there" in here.stderr


def test_one_that_is_declared_is_not_absent_for_what_is_only_there(other: Path, tmp_path: Path) -> None:
    declared = (
        'from convgauge import implementation\n@implementation(framework="numpy", algorithm="direct")\ndef kernel('
    )
    (tmp_path / "kernel.py").write_text(KERNEL.replace("def kernel(", declared))
    process = check(tmp_path / "kernel.py", "--python", other)
    assert process.returncode == 0, process.stdout + process.stderr


def test_a_python_without_numpy(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    process = check("numpy_windows", "--python", tmp_path / "bare" / "bin" / "python")
    assert process.returncode == 4
    assert "NumPy is not installed for" in process.stderr
    assert "Traceback" not in process.stdout + process.stderr


@pytest.mark.parametrize(("python", "why"), [("/nowhere/python", "No such file"), ("/etc/passwd", "Permission denied")])
def test_a_python_that_is_none(python: str, why: str) -> None:
    process = check("numpy_windows", "--python", python)
    assert process.returncode == 4
    assert f"the Python {python} cannot be started: {why}" in process.stderr
    assert "Traceback" not in process.stdout + process.stderr
