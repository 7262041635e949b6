"""``--supports`` from the command line to the records of a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from convgauge import results
from convgauge.bundled import bundled
from convgauge.results import ImplementationRecord, SpecRecord
from support.command_line import convgauge

KERNEL = """
import os
import numpy as np
from convgauge import implementation
from convgauge.arguments import resolve

def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.stride != (1, 1):
        os._exit(3)
    if problem.dilation != (1, 1):
        raise NotImplementedError("no dilation")
    padded = np.pad(input, ((0, 0), (0, 0), *problem.pads))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    assert groups == 1
    output = np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True).astype(input.dtype)
    return output if bias is None else output + bias[:, None, None]

@implementation(framework="numpy", algorithm="direct", supports="stride_h == 1 and stride_w == 1 and groups == 1")
def declared(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)
"""
DOMAIN = "groups == 1 and stride_h == 1 and stride_w == 1"
WHOLE = f"{DOMAIN} and dilation_h == 1 and dilation_w == 1"
QUICK = ("--framework", "numpy", "--tier", "quick", "--dtype", "float32")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kernel.py"
    path.write_text(KERNEL)
    return path


def test_a_kernel_that_crashes_outside_its_domain_is_not_called_there(file: Path) -> None:
    path = file.with_name("run.jsonl")
    process = convgauge(
        *("check", f"{file}:conv", *QUICK, "-k", "padding or stride", "--supports", WHOLE, "--output", str(path))
    )
    assert process.returncode == 0, process.stdout
    run = results.read(path)
    assert run.header.supports == WHOLE
    (record,) = run.records_of(ImplementationRecord)
    assert (record.supports, record.target) == (WHOLE, f"{file}:conv")
    outcomes = [record.outcomes for record in run.records_of(SpecRecord)]
    assert sum(outcome.get("declined", 0) for outcome in outcomes) > 100
    assert not any("crashed" in outcome or "refused" in outcome for outcome in outcomes)
    assert run.footer is not None
    assert run.footer.verdicts["conv"].verdict == "partial"


def test_a_refusal_inside_is_an_error_that_is_reproduced_with_the_domain(file: Path) -> None:
    process = convgauge(
        *("check", f"{file}:declared", *QUICK, "-k", "padding.with_dilation", "--supports", "width < 999"),
        folder=file.parent,
    )
    assert process.returncode == 1
    domain = "stride_h == 1 and stride_w == 1 and groups == 1 and width < 999"
    text = " ".join(process.stdout.split())
    assert f"refused a problem of its declared domain, {domain}: NotImplementedError: no dilation" in text
    assert "convgauge reproduce kernel.py:declared" in process.stdout
    assert "--supports 'width < 999'" in process.stdout
    assert f'state what is supported: --supports "{domain} and dilation_h == 1 and dilation_w == 1"' in process.stdout


def test_a_run_is_resumed_with_its_domain_only(file: Path) -> None:
    path = file.with_name("run.jsonl")
    options = ("check", f"{file}:conv", *QUICK, "-k", "padding.pair")
    assert convgauge(*options, "--supports", WHOLE, "--output", str(path)).returncode == 0
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    process = convgauge(*options, "--supports", "groups == 1", "--resume", str(path))
    assert process.returncode == 4
    assert "its supports is" in process.stdout + process.stderr
    assert convgauge(*options, "--supports", WHOLE, "--resume", str(path)).returncode == 0


def test_a_case_outside_is_declined_when_it_is_reproduced(file: Path) -> None:
    case = "n1c1h4w4_o1k1x1_s2x1_p0x0_d1x1_g1_float32"
    process = convgauge("reproduce", f"{file}:declared", case)
    assert process.returncode == 0
    assert "outside the declared domain: stride_h == 1" in process.stdout
    process = convgauge("reproduce", f"{file}:declared", case, "--spec", "stride.pair")
    assert "declined  outside the declared domain: stride_h == 1" in process.stdout
    assert "np.zeros((0,))" not in process.stdout, "the operands are shown"


def test_pytest_has_the_option(file: Path) -> None:
    words = ["-m", "pytest", str(bundled("conformance")), "-q", "-p", "no:cacheprovider", "-k", "stride.pair"]
    words += ["--implementation", f"{file}:conv", "--convgauge-framework", "numpy", "--convgauge-tier", "quick"]
    command = [sys.executable, *words, "--convgauge-supports", WHOLE, "--convgauge-dtype", "float32"]
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=file.parent)
    assert "outside the declared domain" in process.stdout
    assert "crash" not in process.stdout


def test_a_mistake_in_the_decorator_names_the_file_and_the_line(file: Path) -> None:
    file.write_text(KERNEL.replace("stride_h == 1 and stride_w", "stride_x == 1 and stride_w"))
    process = convgauge("check", f"{file}:declared", *QUICK)
    assert process.returncode == 4
    message = "line 19: supports of declared: `stride_x` at column 1 is not a field: did you mean stride_w"
    assert message in process.stdout + process.stderr
