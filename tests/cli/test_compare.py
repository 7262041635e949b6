"""``convgauge compare``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from convgauge.bundled import bundled
from support.command_line import convgauge

WRONG = """
import numpy as np

def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.zeros((1, 1, 1, 1), input.dtype)
"""
CORRECT = """
from numpy_windows import numpy_windows

def conv2d(*operands, **arguments):
    return numpy_windows(*operands, **arguments)
"""


def test_json_has_the_changes_and_a_regression_is_status_1(tmp_path: Path) -> None:
    shutil.copy(bundled("implementations", "numpy_windows.py"), tmp_path)
    check = ["check", "kernel.py:conv2d", "--framework", "numpy", "--tier", "quick", "-k", "test_pair_pads"]
    for name, source in (("good", CORRECT), ("bad", WRONG)):
        (tmp_path / "kernel.py").write_text(source)
        convgauge(*check, "--output", f"{name}.jsonl", folder=tmp_path)
    process = convgauge("compare", "good.jsonl", "bad.jsonl", "--json", folder=tmp_path)
    summary = json.loads(process.stdout)
    assert process.returncode == summary["exit_status"] == 1
    assert {"kind": "broke"}.items() <= summary["changes"][-1].items()
