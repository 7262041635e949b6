"""What is imported when: nothing heavy by ``import convgauge``, and data flows one way through the modules."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import convgauge

PACKAGE = Path(convgauge.__file__).parent
ORDER = [
    "dtypes", "problem", "features", "benchdnn", "recall", "operands", "oracle", "accuracy", "layouts", "frameworks",
    "bundled", "registry", "arguments", "costs", "wisdom", "tuning", "modes", "subject", "wire", "isolation", "child",
    "_boot", "results", "progress", "conformance", "testing", "race", "report", "cluster", "listing", "summaries",
    "usage", "configuration", "completion", "cli", "__main__",
]  # fmt: skip
HEAVY = ["torch", "jax", "scipy", "onnxruntime", "openvino", "cv2", "numba", "pytest", "hypothesis", "rich", "jinja2"]
CHILD = ["dtypes", "problem", "layouts", "frameworks", "bundled", "registry", "modes", "subject", "wire", "child"]


def imported(module: str) -> set[str]:
    """Top-level modules that are loaded once ``module`` has been imported in a fresh interpreter."""
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(found.stdout.split())


@pytest.mark.parametrize("module", ["convgauge", "convgauge.cli"])
def test_importing_loads_no_framework(module: str) -> None:
    assert not imported(module) & set(HEAVY)
    assert "numpy" not in imported(module)


def test_the_judge_needs_no_framework() -> None:
    heavy = {"torch", "jax", "scipy", "onnxruntime", "openvino", "cv2", "numba"}
    assert not imported("convgauge.conformance.session") & heavy


@pytest.mark.parametrize("module", CHILD)
def test_the_childs_part_needs_numpy_alone(module: str) -> None:
    assert not imported(f"convgauge.{module}") & {*HEAVY, "msgspec", "psutil", "threadpoolctl"}


def test_listing_runs_nobodys_code_and_loads_no_framework() -> None:
    code = (
        "import sys; from convgauge.cli import main; status = main(['list', '--specs']);"
        " print(status, *{'torch', 'jax', 'scipy', 'numba'} & set(sys.modules), sep='|')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "0"
    assert "numpy_windows" in found.stdout
    assert "padding.pair" in found.stdout


def dependencies(path: Path) -> set[str]:
    """The parts of convgauge that a file imports as it is imported itself, not within functions or for types alone."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "convgauge":
            parts = node.module.split(".")
            names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
            found |= {name for name in names if (PACKAGE / name).exists() or (PACKAGE / f"{name}.py").exists()}
    return found


def test_every_module_has_its_place() -> None:
    there = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert there - {"__init__"} - {PACKAGE.name} <= set(ORDER)


# the child serves the race as well, whose part in it is one class
EXEMPT = {("child", "race"), ("_boot", "child")}


MODULES = sorted(path for path in PACKAGE.glob("**/*.py") if "_bundled" not in path.parts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_data_flows_one_way(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    later = {name for name in dependencies(path) if ORDER.index(name) > ORDER.index(own) and (own, name) not in EXEMPT}
    assert not later
