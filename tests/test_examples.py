"""Every worked example, through the command line, with its verdict."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.paths import ROOT

EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.isa


@dataclass(frozen=True)
class Example:
    """Target of a check, the modules that it needs, and its verdict."""

    target: str
    framework: str
    verdict: str
    needs: tuple[str, ...] = ()
    expression: str = "padding or stride"

    def __str__(self) -> str:
        return self.target.partition(".")[0]


WORKED = [
    Example("numba_kernel.py", "", "conformant", ("numba",)),
    Example("triton_kernel.py:conv2d", "torch", "conformant", ("triton", "torch"), "test_padding and test_pair"),
    Example("jax_function.py:conv2d", "jax", "conformant", ("jax",), "test_padding and same_on"),
    Example("onnxruntime_session.py", "", "partial", ("onnxruntime", "onnx")),
    Example("torch_module.py:conv2d", "torch", "partial", ("torch",)),
    Example("c_function.py:conv2d", "numpy", "conformant"),
    Example("nhwc_kernel.py:conv2d", "numpy", "partial"),
    Example("generated_kernel.py:conv2d", "numpy", "wrong"),
]


@pytest.mark.parametrize("example", WORKED, ids=str)
def test_the_verdict_of(example: Example, tmp_path: Path) -> None:
    environment = _environment(example, tmp_path)
    words = ["check", str(EXAMPLES / example.target), "--framework", example.framework, "--tier", "quick"]
    command = [sys.executable, "-m", "convgauge", *words, "-k", example.expression]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    end = ". 1 cause explains all " if example.verdict == "wrong" else ", "
    assert f": {example.verdict}{end}" in process.stdout, process.stdout + process.stderr
    assert process.returncode == (example.verdict == "wrong")


def _environment(example: Example, folder: Path) -> dict[str, str]:
    """Return the environment variables of an example; skip it, with the reason, if it cannot run here."""
    for package in example.needs:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    added = {}
    if str(example) == "triton_kernel":
        added["TRITON_INTERPRET"] = "1"  # even if there is a GPU: the operands are on the CPU
    if str(example) == "c_function":
        added["CONV2D_LIBRARY"] = str(_compiled(folder))
    return {**os.environ, **added}


def _compiled(folder: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    library = folder / "conv2d.so"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", str(library), str(EXAMPLES / "conv2d.c")], check=True)
    return library


def test_the_planted_fault_passes_the_usual_test() -> None:
    """Kernels of 3x3 do not show the fault; that is the point of the example."""
    code = (
        "import numpy as np, generated_kernel; from convgauge.reference.oracle import answer\n"
        "from convgauge.reference.operands import draw; from convgauge.problem import Problem\n"
        "usual = Problem.parse('n2c4h8w8_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32'); given = draw(usual, 'gaussian')\n"
        "got = generated_kernel.conv2d(given.input, given.weight, given.bias, padding=1)\n"
        "print(np.allclose(got, answer(usual, given), rtol=1e-3, atol=1e-3))"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=EXAMPLES, capture_output=True, text=True, check=False)
    assert process.stdout.strip() == "True", process.stdout + process.stderr


def test_the_specification_among_a_projects_own_tests() -> None:
    words = ["-q", "-p", "no:cacheprovider", "-k", "padding or stride", "test_my_kernel.py"]
    process = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=EXAMPLES, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stdout
    assert " passed" in process.stdout
    assert "failed" not in process.stdout


def test_every_example_is_run() -> None:
    run = {example.target.partition(":")[0] for example in WORKED} | {"test_my_kernel.py"}
    assert run == {path.name for path in EXAMPLES.glob("*.py")}
