"""``convgauge check``: verdicts, exit statuses and what is printed."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from convgauge import results
from convgauge.bundled import bundled
from support.command_line import convgauge
from support.paths import SUPPORT

KERNELS = SUPPORT / "faulty_processes.py"
PADDING = ["--tier", "quick", "-k", "padding"]
PAIR = ["--tier", "quick", "-k", "test_pair_pads"]

FAULTY = """
import numpy as np
from convgauge.arguments import resolve

def wrong(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return np.zeros(problem.output_shape, input.dtype)

def declines(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    raise NotImplementedError("every problem")

def narrow(input, weight):
    return input

def slow(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    import time
    time.sleep(0.02)
    raise NotImplementedError("later")

def ends(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    import os
    os._exit(0)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FAULTY)
    return path


def spec_records(path: Path) -> list[results.SpecRecord]:
    return results.read(path).records_of(results.SpecRecord)


def timeless(path: Path) -> list[dict[str, Any]]:
    return [{**msgspec.to_builtins(record), "seconds": None} for record in spec_records(path)]


def test_a_correct_implementation_is_conformant(tmp_path: Path) -> None:
    output = tmp_path / "run.jsonl"
    process = convgauge("check", "numpy_windows", *PADDING, "--output", str(output))
    assert process.returncode == 0, process.stdout
    assert "numpy_windows: conformant" in process.stdout
    assert "selected: -k padding; the verdict holds for this part" in process.stdout
    assert f"convgauge report {output}" in process.stdout
    run = results.read(output)
    assert run.footer is not None
    assert run.footer.verdicts["numpy_windows"].verdict.startswith("conformant")
    assert run.footer.cases == sum(record.cases for record in run.records_of(results.SpecRecord)) > 100


def test_pytest_writes_the_same_run(tmp_path: Path) -> None:
    convgauge("check", "numpy_windows", *PADDING, "--output", str(tmp_path / "check.jsonl"))
    command = [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(bundled("conformance")), "-k", "padding",
        "--implementation", "numpy_windows", "--convgauge-tier=quick",
        f"--convgauge-output={tmp_path / 'pytest.jsonl'}",
    ]  # fmt: skip
    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert process.returncode == 0, process.stdout
    assert timeless(tmp_path / "check.jsonl") == timeless(tmp_path / "pytest.jsonl")


def test_a_wrong_implementation_fails_and_its_command_reproduces_the_case(file: Path) -> None:
    output = file.with_name("run.jsonl")
    process = convgauge("check", f"{file}:wrong", "--framework", "numpy", *PADDING, "--output", str(output))
    assert process.returncode == 1
    assert "wrong: wrong" in process.stdout
    record = next(record for record in spec_records(output) if record.counterexample)
    assert record.counterexample is not None
    words = shlex.split(record.counterexample.reproduce)
    assert words[:2] == ["convgauge", "reproduce"]
    again = convgauge(*words[1:], *([] if "--framework" in words else ["--framework", "numpy"]))
    assert again.returncode == 1, again.stdout + again.stderr
    assert record.spec in again.stdout


def test_an_implementation_that_declines_everything_is_unjudged(file: Path) -> None:
    process = convgauge("check", f"{file}:declines", "--framework", "numpy", *PADDING)
    assert process.returncode == 5
    assert "unjudged" in process.stdout


def test_one_unjudged_implementation_among_several_is_a_failure(file: Path) -> None:
    process = convgauge("check", f"{file}:declines", "numpy_windows", "--framework", "numpy", *PAIR)
    assert process.returncode == 1
    assert "declines: unjudged" in process.stdout
    assert "unjudged  nothing was executed: NotImplementedError: every problem" in process.stdout
    assert "numpy_windows: conformant" in process.stdout


LENIENT = """
import numpy as np
from convgauge.arguments import resolve

def lenient(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups != 1:
        raise ValueError("one group only")
    if bias is not None:
        bias = bias.reshape(-1)[: weight.shape[0]]
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, ("float32",))
    padded = np.pad(input, ((0, 0), (0, 0), *problem.pads))
    windows = np.lib.stride_tricks.sliding_window_view(padded, problem.extent, axis=(2, 3))
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    output = np.einsum("nchwij,ocij->nohw", windows[:, :, ::sh, ::sw, ::dh, ::dw], weight)
    return output if bias is None else output + bias[:, None, None]
"""


@pytest.mark.parametrize(
    ("keyword", "verdict", "reached"),
    [
        ("test_pair_pads", "conformant", ["correct", "complete", "conformant"]),
        ("test_pair_pads or test_bias_of_another_rank", "complete", ["correct", "complete"]),
        ("test_pair_pads or test_many_groups", "partial", ["correct"]),
    ],
)
def test_the_required_verdict_sets_the_exit_status(
    tmp_path: Path, keyword: str, verdict: str, reached: list[str]
) -> None:
    (tmp_path / "mine.py").write_text(LENIENT)
    check = ["check", "mine.py:lenient", "--framework", "numpy", "--tier", "quick", "--dtype", "float32", "-k", keyword]
    for require in ("correct", "complete", "conformant"):
        process = convgauge(*check, "--require", require, folder=tmp_path)
        assert process.returncode == (0 if require in reached else 1), process.stdout
        assert f"lenient: {verdict}" in process.stdout
        assert (f"({require} is required)" in process.stdout) == (require not in reached)


def test_a_requirement_is_configurable_and_part_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LENIENT)
    (tmp_path / "pyproject.toml").write_text('[tool.convgauge]\nrequire = "complete"\n')
    check = ["check", "mine.py:lenient", "--framework", "numpy", "--tier", "quick", "--dtype", "float32", "--json"]
    process = convgauge(
        *check, "-k", "test_many_groups or test_pair_pads or test_bias_of_another_rank", folder=tmp_path
    )
    summary = json.loads(process.stdout)
    assert (summary["require"], summary["exit_status"], process.returncode) == ("complete", 1, 1)
    verdict = summary["verdicts"]["lenient"]
    assert (verdict["verdict"], verdict["is_strict"], verdict["answered_invalid"]) == ("partial", False, 6)
    assert 0 < verdict["coverage"] < 100
    assert verdict["limits"] == ["groups > 1 (ValueError, 28 cases)"]
    assert summary["faults"] == []
    (lenient,) = summary["answered_invalid"]
    assert (lenient["spec"], lenient["reproduce"].split()[:2]) == ("errors.rank.bias", ["convgauge", "reproduce"])


def test_expected_failures_are_strict(file: Path) -> None:
    output = file.with_name("run.jsonl")
    check = ["check", f"{file}:wrong", "--framework", "numpy", "--tier", "quick", "-k", "test_padding and int"]
    convgauge(*check, "--output", str(output))
    failing = {record.spec for record in spec_records(output) if record.status != "passed"}
    assert failing
    expect = file.with_name("expect.toml")
    expect.write_text("".join(f'["{id}"]\nreason = "known"\n' for id in sorted(failing)))
    process = convgauge(*check, "--expect", str(expect), "--output", str(output))
    assert {record.status for record in spec_records(output)} <= {"xfailed", "passed"}
    assert process.returncode in (0, 1)
    stale = convgauge("check", "numpy_windows", *check[4:], "--expect", str(expect))
    assert stale.returncode == 1, stale.stdout


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_is_incomplete_and_has_its_records(file: Path, signal_number: signal.Signals) -> None:
    output = file.with_name("run.jsonl")
    command = [
        sys.executable, "-m", "convgauge", "check", f"{file}:slow", "--framework", "numpy", "--tier", "quick",
        "--output", str(output),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (output.exists() and output.read_bytes().count(b"\n") >= 3):
        time.sleep(0.1)
    os.kill(process.pid, signal_number)
    process.communicate(timeout=120)
    assert process.returncode == (-signal.SIGKILL if signal_number is signal.SIGKILL else 2)
    run = results.read(output)
    assert run.footer is None or signal_number is not signal.SIGKILL
    assert run.records_of(results.SpecRecord)


def test_a_kernel_that_crashes_does_not_end_the_run(tmp_path: Path) -> None:
    output = tmp_path / "run.jsonl"
    process = convgauge(
        "check", f"{KERNELS}:segfault", "--framework", "numpy", "--tier", "quick", "-k", "batch", "--output",
        str(output),
    )  # fmt: skip
    assert process.returncode == 1
    run = results.read(output)
    assert run.footer is not None
    assert "crashed" in {record.status for record in run.records_of(results.SpecRecord)}


def test_a_crash_is_printed_with_its_command(file: Path) -> None:
    """By default, pytest prints failures only; a status that it does not have must be printed as well."""
    process = convgauge("check", f"{file}:ends", "--framework", "numpy", *PAIR)
    assert process.returncode == 1
    assert "ended the process with exit status 0" in process.stdout
    assert "convgauge reproduce" in process.stdout


def test_json_has_verdicts_and_faults(file: Path) -> None:
    process = convgauge("check", f"{file}:wrong", "numpy_windows", "--framework", "numpy", "--json", *PAIR)
    summary = json.loads(process.stdout)
    assert process.returncode == summary["exit_status"] == 1
    assert summary["verdicts"]["wrong"]["verdict"] == "wrong"
    assert summary["verdicts"]["numpy_windows"]["verdict"] == "conformant"
    (fault,) = summary["faults"]
    assert fault["spec"] == "padding.pair"
    assert fault["reproduce"].startswith("convgauge reproduce")
    assert "verdicts" in process.stderr  # the text for people is on standard error
    for cause in summary["causes"]:
        assert {
            "implementation",
            "mechanism",
            "sentence",
            "region",
            "specs",
            "cases",
            "counterexample",
            "reproduce",
        } <= {*cause}


def test_quiet_prints_the_verdicts_only() -> None:
    printed = convgauge("check", "numpy_windows", "-q", *PAIR).stdout
    assert "numpy_windows: conformant" in printed
    assert "test session starts" not in printed
    assert "PASSED" in convgauge("check", "numpy_windows", "-v", *PAIR).stdout


def test_a_pipe_gets_plain_lines() -> None:
    printed = convgauge("check", "numpy_windows", *PAIR, NO_COLOR="1").stdout
    assert "\x1b" not in printed
    assert "\r" not in printed
