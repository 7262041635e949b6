"""What is imported when: nothing heavy by ``import convgauge``, NumPy alone beside the kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import convgauge

PACKAGE = Path(convgauge.__file__).parent
HEAVY = ["torch", "jax", "scipy", "onnxruntime", "openvino", "cv2", "numba", "pytest", "hypothesis", "rich", "jinja2"]
WORKER = sorted(
    f"worker.{path.stem}" for path in (PACKAGE / "worker").glob("*.py") if path.stem not in ("__init__", "boot")
)
HEAVY = ["torch", "jax", "scipy", "onnxruntime", "openvino", "cv2", "numba", "pytest", "hypothesis", "rich", "jinja2"]


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
    assert not imported("convgauge.conformance.suite") & heavy


@pytest.mark.parametrize("module", ["dtypes", "problem", "arguments", "bundled", "registry", *WORKER])
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
