"""An implementation is added by one file in ``implementations/``, and an engine by one more extra."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import ROOT

pytestmark = pytest.mark.once

NAME = "newly_added"

FILE = '''
"""A new convolution."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convgauge import implementation
from convgauge.arguments import resolve


@implementation(framework="numpy", algorithm="novel", declines={"groups": "one group only"}, source="this test")
def newly_added(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Contract windows of the input.

    Cost: many products. Workspace: some windows.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, ("float64", "float32"))
    if problem.groups > 1:
        raise NotImplementedError("groups: one only")
    padded = np.pad(input, ((0, 0), (0, 0), *problem.pads))
    windows = sliding_window_view(padded, problem.extent, (2, 3))
    windows = windows[:, :, :: problem.stride[0], :: problem.stride[1], :: problem.dilation[0], :: problem.dilation[1]]
    return np.einsum("nchwij,ocij->nohw", windows, weight) + (0 if bias is None else bias[:, None, None])
'''

ENGINE = "novel_library"

ENGINE_FILE = """
import novel_library

from convgauge import implementation


@implementation(framework="numpy", algorithm="library", source="this test")
def newly_added_engine(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    '''Call the convolution of a library.

    Cost: that of the library. Workspace: that of the library.
    '''
    return novel_library.convolve(input, weight, bias, stride, padding, dilation, groups)
"""

LIBRARY = """
from convgauge.registry import builtins, load


def convolve(*arguments):
    return load(builtins()["numpy_windows"])(*arguments)
"""

DOCUMENTED = (
    "import generate; print(generate.costs()); print(generate.implementations()); print(generate.kinds()['novel'])"
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with a new implementation and a new engine; folders that no test writes to are linked."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in ("src/convgauge", "implementations", "docs"):
        shutil.copytree(
            ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__", "_build", "_generated")
        )
    for folder in ("conformance", "benchmarks", "reports", "tests"):
        (tree / folder).symlink_to(ROOT / folder)
    (tree / "implementations" / "novel.py").write_text(FILE)
    (tree / "implementations" / "novel_engine.py").write_text(ENGINE_FILE)
    return tree


def run(tree: Path, *words: str, path: str = "") -> str:
    """Return the output of a command in the tree, which must exit with 0; ``path`` is added to the module path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree / "src"), path])}
    command = [sys.executable, *words]
    process = subprocess.run(command, cwd=tree / "docs", env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def entry(tree: Path, name: str) -> dict[str, object]:
    """Return the entry of an implementation in ``convgauge list --json``."""
    listed = json.loads(run(tree, "-m", "convgauge", "list", "--json"))["implementations"]
    entries: list[dict[str, object]] = [entry for entry in listed if entry["name"] == name]
    assert len(entries) == 1
    return entries[0]


def test_it_is_listed(tree: Path) -> None:
    listed = entry(tree, NAME)
    assert (listed["algorithm"], listed["summary"]) == ("novel", "Contract windows of the input.")


def test_it_is_documented(tree: Path) -> None:
    pages = run(tree, "-c", DOCUMENTED)
    assert f"[{NAME}](_generated/implementations.md#{NAME}) | many products. | some windows. |" in pages
    assert f"### {NAME}" in pages
    assert f"Implemented by [{NAME}]" in pages


def test_it_is_checked_raced_and_reported(tree: Path, tmp_path: Path) -> None:
    check, bench, site = (str(tmp_path / name) for name in ("check.jsonl", "bench.jsonl", "site"))
    kinds = ["--tier", "quick", "-k", "test_bias or test_groups"]
    assert f"{NAME}: partial" in run(tree, "-m", "convgauge", "check", NAME, *kinds, "--output", check)
    layer = ["--layers", "n1c3h9w8_o4k3x3_s1x1_p1x1_d1x1_g1_b_float32", "--budget", "2"]
    command = ["bench", NAME, "--baseline", "numpy_windows", *layer, "--output", bench]
    assert NAME in run(tree, "-m", "convgauge", *command)
    run(tree, "-m", "convgauge", "report", check, bench, "--output", site)
    assert NAME in (Path(site) / "index.html").read_text(encoding="utf-8")
    summary = (Path(site) / "data" / "summary.md").read_text(encoding="utf-8").replace("\\", "")
    assert f"| {NAME} | partial |" in summary
    assert f"| {NAME} | novel |" in summary


def test_an_engine_is_absent_without_its_library_and_checked_with_it(tree: Path, tmp_path: Path) -> None:
    assert entry(tree, "newly_added_engine")["absent"] == (
        f"{ENGINE} is not installed (python -m pip install 'convgauge[{ENGINE}]')"
    )
    (tmp_path / f"{ENGINE}.py").write_text(LIBRARY)
    words = ["-m", "convgauge", "check", "newly_added_engine", "--tier", "quick", "-k", "test_bias"]
    assert "newly_added_engine: conformant" in run(tree, *words, path=str(tmp_path))
