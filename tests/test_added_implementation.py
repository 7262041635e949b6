"""One file more in ``implementations/`` is all it takes: it is listed, checked, raced, documented and reported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAME = "newly_added"

FILE = '''
"""A convolution that nobody has heard of."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convgauge import implementation
from convgauge.arguments import resolve


@implementation(framework="numpy", algorithm="novel", declines={"groups": "one group only"}, source="this test")
def newly_added(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Windows, once more.

    Cost: as many products as there are. Workspace: a windfall.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, ("float64", "float32"))
    if problem.groups > 1:
        raise NotImplementedError("groups: one only")
    padded = np.pad(input, ((0, 0), (0, 0), *problem.pads))
    windows = sliding_window_view(padded, problem.extent, (2, 3))
    windows = windows[:, :, :: problem.stride[0], :: problem.stride[1], :: problem.dilation[0], :: problem.dilation[1]]
    return np.einsum("nchwij,ocij->nohw", windows, weight) + (0 if bias is None else bias[:, None, None])
'''

DOCUMENTED = (
    "import generate; print(generate.costs()); print(generate.implementations()); print(generate.kinds()['novel'])"
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with one file more. What is not written to is linked; the package finds the rest beside itself."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in ("src/convgauge", "implementations", "docs"):
        shutil.copytree(
            ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__", "_build", "_generated")
        )
    for folder in ("conformance", "benchmarks", "reports", "tests"):
        (tree / folder).symlink_to(ROOT / folder)
    (tree / "implementations" / "novel.py").write_text(FILE)
    return tree


def run(tree: Path, *words: str) -> str:
    """What a command says in the tree, on which it is to exit with 0."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    command = [sys.executable, *words]
    told = subprocess.run(command, cwd=tree / "docs", env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def test_it_is_listed(tree: Path) -> None:
    listed = json.loads(run(tree, "-m", "convgauge", "list", "--json"))["implementations"]
    (said,) = [one for one in listed if one["name"] == NAME]
    assert (said["algorithm"], said["summary"]) == ("novel", "Windows, once more.")


def test_it_is_documented(tree: Path) -> None:
    said = run(tree, "-c", DOCUMENTED)
    assert f"[{NAME}](_generated/implementations.md#{NAME}) | as many products as there are. | a windfall. |" in said
    assert f"### {NAME}" in said
    assert f"Implemented by [{NAME}]" in said


def test_it_is_checked_raced_and_reported(tree: Path, tmp_path: Path) -> None:
    check, bench, site = (str(tmp_path / name) for name in ("check.jsonl", "bench.jsonl", "site"))
    kinds = ["--tier", "quick", "-k", "test_bias or test_groups"]
    assert f"{NAME}: conformant with declines" in run(tree, "-m", "convgauge", "check", NAME, *kinds, "--output", check)
    layer = ["--layers", "n1c3h9w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_float32", "--budget", "2"]
    command = ["bench", NAME, "--baseline", "numpy_windows", *layer, "--output", bench]
    assert NAME in run(tree, "-m", "convgauge", *command)
    run(tree, "-m", "convgauge", "report", check, bench, "--output", site)
    assert NAME in (Path(site) / "index.html").read_text(encoding="utf-8")
    summary = (Path(site) / "data" / "summary.md").read_text(encoding="utf-8").replace("\\", "")
    assert f"| {NAME} | conformant with declines |" in summary
    assert f"| {NAME} | novel |" in summary
