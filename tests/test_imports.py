"""Imports: nothing heavy by ``import convgauge``, and only NumPy beside the kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import convgauge
from support.engines import engines

PACKAGE = Path(convgauge.__file__).parent
FRAMEWORKS = engines()
HEAVY = FRAMEWORKS | {"pytest", "hypothesis", "rich", "jinja2"}
WORKER = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for package in ("registry", "worker")
    for path in (PACKAGE / package).rglob("*.py")
    if path.stem not in ("__init__", "boot")
)


def imported(module: str) -> set[str]:
    """Return the top-level modules that are loaded after the import of ``module`` in a new interpreter."""
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(process.stdout.split())


@pytest.mark.parametrize("module", ["convgauge", "convgauge.cli"])
def test_importing_loads_no_framework(module: str) -> None:
    assert not imported(module) & HEAVY
    assert "numpy" not in imported(module)


def test_the_judge_needs_no_framework() -> None:
    assert not imported("convgauge.conformance.suite") & FRAMEWORKS


@pytest.mark.parametrize("module", ["dtypes", "problem", "arguments", "bundled", *WORKER])
def test_the_worker_needs_only_numpy(module: str) -> None:
    assert not imported(f"convgauge.{module}") & (HEAVY | {"msgspec", "psutil", "threadpoolctl"})


def test_listing_runs_no_implementation_and_loads_no_framework() -> None:
    code = (
        "import sys; from convgauge.cli import main; status = main(['list', '--specs']);"
        f" print(status, *{FRAMEWORKS} & set(sys.modules), sep='|')"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == "0"
    assert "numpy_windows" in process.stdout
    assert "padding.pair" in process.stdout
