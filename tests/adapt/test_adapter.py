"""Adapters of odd forms: found by trials, complete as a file, and right in a process of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from convgauge.adapt.adapter import Adapter, find_adapter
from convgauge.adapt.search import MAX_ENDED
from convgauge.registry import is_installed
from support.paths import ROOT

SUPPORT = ROOT / "tests" / "support"

MAX_LINES = 40

RUN = """
import sys
import numpy as np
import adapter
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import draw
for text in sys.argv[2:]:
    problem = Problem.parse(text)
    given = draw(problem, "exact", 1)
    operands = [given.input, given.weight, given.bias]
    if sys.argv[1] == "torch":
        import torch
        operands = [None if array is None else torch.from_numpy(array) for array in operands]
    output = np.asarray(adapter.conv2d(*operands, **problem.arguments).detach() if sys.argv[1] == "torch"
                        else adapter.conv2d(*operands, **problem.arguments))
    assert np.array_equal(output, oracle.answer(problem, given)), text
print("right")
"""

NUMPY = {
    "other_names": ("unequal strides", "groups", "unequal dilations"),
    "no_bias": ("unequal padding", "unequal strides"),
    "numbers": ("padding", "stride", "bias"),
    "asserted_numbers": ("padding", "stride"),
    "positional_only": ("unequal padding", "bias"),
    "bias_needed": ("bias", "unequal strides"),
    "weight_first": ("unequal padding",),
    "with_cache": ("bias", "unequal padding"),
    "partial": ("groups", "dilation"),
    "Stateless": ("bias", "unequal strides"),
    "conv_param": ("bias", "padding", "stride"),
    "nhwc": ("bias", "unequal padding", "unequal strides"),
    "nhwc_cache": ("bias", "no bias", "stride", "padding"),
    "nhwc_same": ("padding by name", "unequal strides"),
    "inputs_first": ("unequal padding",),
    "dilation_from_zero": ("dilation", "bias"),
    "top_bottom_left_right": ("unequal padding", "bias"),
    "left_right_top_bottom": ("unequal padding", "bias"),
    "single_image": ("unequal padding", "several images"),
    "dictionary": ("bias", "unequal padding"),
    "Layer": ("bias", "stride", "padding"),
    "Called": ("bias", "unequal padding", "unequal strides"),
}
"""Kernels of `support.odd_forms`, each with features that its adapter supports."""

TORCH = {
    "Module": ("bias", "no bias", "unequal padding"),
    "Nested": ("bias", "no bias", "groups", "unequal dilations"),
    "Function": ("bias", "no bias", "unequal strides"),
    "channels_last": ("bias", "unequal padding"),
}
"""Kernels of `support.odd_torch_forms`."""

CASES = [("odd_forms.py", name) for name in NUMPY] + [("odd_torch_forms.py", name) for name in TORCH]


def adapter_of(file: str, name: str, folder: Path) -> Adapter:
    """Return the adapter of a kernel whose file is copied to a folder."""
    if "torch" in file and not is_installed("torch"):
        pytest.skip("torch is not installed")
    shutil.copy(SUPPORT / file, folder)
    return find_adapter(f"{folder / file}:{name}", folder)


@pytest.mark.isa
@pytest.mark.once
@pytest.mark.parametrize(("file", "name"), CASES, ids=str)
def test_an_adapter_is_right_in_a_process_of_its_own(file: str, name: str, tmp_path: Path) -> None:
    adapter = adapter_of(file, name, tmp_path)
    trials = adapter.adaptation.trials
    assert adapter.text, adapter.adaptation.nearest
    wrong = {what: trial for what, trial in trials.items() if trial.status in ("wrong", "ended")}
    assert not wrong
    for feature in {**NUMPY, **TORCH}[name]:
        assert trials[feature].status == "right", trials[feature]
    assert len(adapter.text.splitlines()) <= MAX_LINES
    (tmp_path / "adapter.py").write_text(adapter.text)
    _is_clean(tmp_path / "adapter.py")
    problems = [trial.problem.text for trial in trials.values() if trial.status == "right"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")])}
    command = [sys.executable, "-c", RUN, adapter.target.framework, *problems]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert process.stdout.strip() == "right", process.stderr + adapter.text


def _is_clean(path: Path) -> None:
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    command = [ruff, "check", "--isolated", "--line-length", "120", "--select", "E,F,W,B,UP", str(path)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout


@pytest.mark.once
def test_a_turned_kernel_is_reported_as_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_FORMS_TURNED", "1")
    adapter = adapter_of("odd_forms.py", "nhwc", tmp_path)
    assert adapter.text == ""
    assert adapter.adaptation.turned is not None


HOSTILE = """
import os, time
import numpy as np

def crashes(x, w, table=None):
    os._exit(3)

def hangs(x, w, table=None):
    time.sleep(1000)

def unknown(x, w, table):
    return x

def noise(x, w, stride=1, padding=0):
    return np.zeros((len(x), len(w), 5, 8), np.float32)

exits = 3
"""


@pytest.mark.once
@pytest.mark.parametrize(("name", "status"), [("crashes", "ended"), ("unknown", "raised"), ("noise", "wrong")])
def test_a_target_without_an_adapter_is_survived(name: str, status: str, tmp_path: Path) -> None:
    (tmp_path / "hostile.py").write_text(HOSTILE)
    adapter = find_adapter(f"{tmp_path / 'hostile.py'}:{name}", tmp_path, framework="numpy")
    assert adapter.text == ""
    nearest = adapter.adaptation.nearest
    assert nearest is not None
    assert nearest.status == status
    assert nearest.message


@pytest.mark.once
def test_a_hang_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convgauge.adapt.trial_process.CALL_TIMEOUT_S", 0.3)
    (tmp_path / "hostile.py").write_text(HOSTILE)
    adapter = find_adapter(f"{tmp_path / 'hostile.py'}:hangs", tmp_path, framework="numpy")
    ended = [trial for trial in adapter.adaptation.tried if trial.status == "ended"]
    assert len(ended) == MAX_ENDED
    assert "within 0.3 s" in ended[0].message
