"""Kernels that are wrong on empty operands are reported, with every fault reduced and drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge import cli, results
from convgauge.results import SpecRecord

KERNELS = """
import numpy as np
from convgauge.arguments import resolve


def answer(change, input, weight, bias, *arguments):
    problem = resolve(input, weight, bias, *arguments)
    output = np.zeros(problem.output_shape, input.dtype)
    if bias is not None:
        output += bias[:, None, None]
    return change(output) if 0 in (*input.shape, *weight.shape) else output


def larger(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return answer(lambda output: output + 1, input, weight, bias, stride, padding, dilation, groups)


def nowhere_finite(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return answer(lambda output: output * np.nan, input, weight, bias, stride, padding, dilation, groups)


def cut(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return answer(lambda output: output[..., :-1], input, weight, bias, stride, padding, dilation, groups)


def flat(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return answer(lambda output: output.reshape(-1), input, weight, bias, stride, padding, dilation, groups)
"""


@pytest.mark.parametrize("name", ["larger", "nowhere_finite", "cut", "flat"])
def test_a_kernel_that_is_wrong_on_empty_operands(tmp_path: Path, name: str) -> None:
    (tmp_path / "kernels.py").write_text(KERNELS)
    path = tmp_path / "run.jsonl"
    words = ["--framework", "numpy", "--tier", "quick", "-k", "test_empty", "-v", "--output", str(path)]
    assert cli.main(["check", f"{tmp_path}/kernels.py:{name}", *words]) == 1
    failed = [record for record in results.read(path).records_of(SpecRecord) if record.status == "failed"]
    assert failed
    assert all(record.counterexample is not None for record in failed)
    assert not [record for record in failed if "error of convgauge" in str(record.counterexample)]
    assert cli.main(["report", str(path), "--output", str(tmp_path / "site")]) == 0
