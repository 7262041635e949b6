"""Tests of the reproduction of one case: its output, and the report of a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge.conformance.reproduce import reproduce
from convgauge.request import CheckRequest

PROBLEM = "n1c2h5w6_o3k3x2_s1x1_p1x0_d1x1_g1_b_float32"
KERNEL = '''
from convgauge.registry import load, resolve

RIGHT = load(resolve("numpy_windows", "")[0])


def wrong(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """One output is wrong."""
    output = RIGHT(input, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
    output[0, 1, 2, 3] += 0.5
    return output


def refused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Nothing is supported."""
    raise NotImplementedError("no padding")
'''


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    file = tmp_path / "kernels.py"
    file.write_text(KERNEL)
    return file


def run(target: str, case: str) -> int:
    request = CheckRequest(targets=(target,), case=case, framework="numpy", devices=("cpu",), isolation=False)
    return reproduce(request)


def test_exact_and_gaussian_operands_are_run_and_the_accuracy_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("numpy_windows", PROBLEM) == 0
    printed = capsys.readouterr().out
    assert printed.count("verdict   right") == 2
    assert "accuracy  grade A" in printed


def test_a_fault_is_printed_with_its_index_and_plane(kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{kernels}:wrong", f"{PROBLEM};operands=gaussian;seed=3") == 1
    printed = capsys.readouterr().out
    assert "verdict   failed: accuracy of grade F, where B is required" in printed
    assert "first at  (0, 1, 2, 3): got " in printed
    assert "  . . . # .\n" in printed


def test_a_case_with_an_invalid_call_is_called_as_such(kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("numpy_windows", f"{PROBLEM};invalid_call=bias_longer") == 1
    assert "verdict   errored: raised " in capsys.readouterr().out


def test_a_refused_call_is_no_fault(kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{kernels}:refused", PROBLEM) == 0
    assert "refused   no padding" in capsys.readouterr().out
