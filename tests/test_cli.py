"""The command line on good and bad input: one sentence and the right exit status, never a traceback of ours."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import support
from convgauge import results
from convgauge.bundled import bundled

KERNELS = support.FOLDER / "faulty_processes.py"
FEW = ["--tier", "quick", "-k", "padding"]

WRONG = """
import numpy as np
from convgauge.arguments import resolve

def wrong(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return np.zeros(problem.output_shape, input.dtype)

def declines(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    raise NotImplementedError("all of it")

def narrow(input, weight):
    return input

def slow(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    import time
    time.sleep(0.3)
    raise NotImplementedError("later")
"""


def convgauge(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convgauge", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(WRONG)
    return path


def checked(path: Path) -> list[dict[str, Any]]:
    """The spec records of a run, without what differs from run to run."""
    import msgspec

    found = [msgspec.to_builtins(record) for record in results.read(path).records_of(results.SpecRecord)]
    for one in found:
        del one["seconds"]
    return found


def test_a_sound_implementation_is_conformant(tmp_path: Path) -> None:
    output = tmp_path / "run.jsonl"
    found = convgauge("check", "numpy_windows", *FEW, "--output", str(output))
    assert found.returncode == 0, found.stdout
    assert "numpy_windows: conformant" in found.stdout
    run = results.read(output)
    assert run.footer is not None
    assert run.footer.verdicts["numpy_windows"].verdict.startswith("conformant")
    assert run.footer.cases == sum(record.cases for record in run.records_of(results.SpecRecord)) > 100


def test_pytest_itself_makes_the_same_run(tmp_path: Path) -> None:
    convgauge("check", "numpy_windows", *FEW, "--output", str(tmp_path / "one.jsonl"))
    command = [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(bundled("conformance")), "-k", "padding",
        "--implementation", "numpy_windows", "--convgauge-tier=quick", f"--convgauge-output={tmp_path / 'two.jsonl'}",
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert found.returncode == 0, found.stdout
    assert checked(tmp_path / "one.jsonl") == checked(tmp_path / "two.jsonl")


def test_a_faulty_one_is_not_and_its_line_reproduces(file: Path) -> None:
    output = file.with_name("run.jsonl")
    found = convgauge("check", f"{file}:wrong", "--framework", "numpy", *FEW, "--output", str(output))
    assert found.returncode == 1
    assert "wrong: nonconformant" in found.stdout
    (record, *_) = (one for one in results.read(output).records_of(results.SpecRecord) if one.counterexample)
    assert record.counterexample is not None
    words = shlex.split(record.counterexample.reproduce)
    assert words[:2] == ["convgauge", "reproduce"]
    again = convgauge(*words[1:], *([] if "--framework" in words else ["--framework", "numpy"]))
    assert again.returncode == 1, again.stdout + again.stderr
    assert record.spec in again.stdout


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["check", "numpy_window"], 4, "did you mean numpy_windows"),
        (["check", "nowhere.py:conv"], 4, "there is no file"),
        (["check", "numpy_windows", "--tier", "medium"], 4, "tier 'medium' is not one of"),
        (["check", "numpy_windows", "--dtype", "float31"], 4, "float31"),
        (["check", "numpy_windows", "--expect", "nowhere.toml"], 4, "nowhere.toml"),
        (["check", "numpy_windows", *FEW[:2], "-k", "nothing_of_that_name"], 5, "nothing was executed"),
        (["check", "numpy_windows", *FEW, "--output", "/proc/nowhere/run.jsonl"], 4, "cannot be written"),
        (["reproduce", "numpy_windows", "n1c2h3"], 4, "problem 'n1c2h3'"),
        (["reproduce", "numpy_window", "n1c2h5w5_o1k1x1_s1x1_p0x0_d1x1_g1_float32"], 4, "did you mean"),
        (["report", "nowhere.jsonl"], 4, "nowhere.jsonl"),
        (["compare", "nowhere.jsonl", "nowhere.jsonl"], 4, "nowhere.jsonl"),
        (["selftest", "--tier", "medium"], 4, "tier 'medium'"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(words: list[str], status: int, said: str, tmp_path: Path) -> None:
    found = convgauge(*words, folder=tmp_path)
    assert found.returncode == status, found.stdout + found.stderr
    assert said in found.stdout + found.stderr
    assert "Traceback" not in found.stdout + found.stderr
    assert not list(tmp_path.glob("*.jsonl"))


def test_a_wrong_signature_is_shown(file: Path) -> None:
    found = convgauge("check", f"{file}:narrow", "--framework", "numpy", *FEW)
    assert found.returncode == 4
    assert "narrow(input, weight) cannot be called as f(input, weight, bias=None" in found.stdout + found.stderr


def test_a_file_that_does_not_import_shows_its_own_traceback(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def inner():\n    return 1 / 0\n\ninner()\n")
    found = convgauge("check", f"{path}:conv", "--framework", "numpy", *FEW)
    said = found.stdout + found.stderr
    assert found.returncode == 4
    assert "ZeroDivisionError" in said
    assert "broken.py" in said
    assert "registry.py" not in said


def test_one_that_declines_everything_is_unjudged(file: Path) -> None:
    found = convgauge("check", f"{file}:declines", "--framework", "numpy", *FEW)
    assert found.returncode == 5
    assert "unjudged" in found.stdout


def test_expected_failures_are_strict(file: Path) -> None:
    output = file.with_name("run.jsonl")
    check = ["check", f"{file}:wrong", "--framework", "numpy", "--tier", "quick", "-k", "test_padding and int"]
    convgauge(*check, "--output", str(output))
    failing = {
        record.spec for record in results.read(output).records_of(results.SpecRecord) if record.status != "passed"
    }
    assert failing
    expect = file.with_name("expect.toml")
    expect.write_text("".join(f'["{id}"]\nreason = "known"\n' for id in sorted(failing)))
    found = convgauge(*check, "--expect", str(expect), "--output", str(output))
    assert {record.status for record in results.read(output).records_of(results.SpecRecord)} <= {"xfailed", "passed"}
    stale = convgauge("check", "numpy_windows", *check[4:], "--expect", str(expect))
    assert stale.returncode == 1, stale.stdout
    assert found.returncode in (0, 1)


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_is_incomplete_and_keeps_what_it_had(file: Path, with_signal: int) -> None:
    output = file.with_name("run.jsonl")
    command = [
        sys.executable, "-m", "convgauge", "check", f"{file}:slow", "--framework", "numpy", "--output", str(output),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (output.exists() and output.read_bytes().count(b"\n") >= 3):
        time.sleep(0.1)
    os.kill(process.pid, with_signal)
    process.communicate(timeout=120)
    assert process.returncode != 0
    run = results.read(output)
    assert run.footer is None or with_signal == signal.SIGINT
    assert run.records_of(results.SpecRecord)


def test_list_names_what_there_is() -> None:
    found = convgauge("list", "--specs")
    assert found.returncode == 0
    assert "numpy_windows" in found.stdout
    assert "padding.same" in found.stdout


def test_a_kernel_that_crashes_does_not_end_the_run(tmp_path: Path) -> None:
    output = tmp_path / "run.jsonl"
    found = convgauge("check", f"{KERNELS}:segfault", "--framework", "numpy", "--tier", "quick", "-k", "batch",
                      "--output", str(output))  # fmt: skip
    assert found.returncode == 1
    run = results.read(output)
    assert run.footer is not None
    assert "crashed" in {record.status for record in run.records_of(results.SpecRecord)}


def test_reproduce_prints_the_case() -> None:
    found = convgauge("reproduce", "numpy_windows", "n1c2h5w6_o3k3x2_s1x1_p0x0_d1x1_g1_b_float32")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "right" in found.stdout


def test_a_crash_is_shown_with_its_line(file: Path) -> None:
    """pytest shows failures alone; what it does not know by name is shown as well."""
    file.write_text(
        "import os\ndef dies(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):\n    os._exit(0)\n"
    )
    found = convgauge("check", f"{file}:dies", "--framework", "numpy", "--tier", "quick", "-k", "test_pair_pads")
    assert found.returncode == 1
    assert "ended the process with exit status 0" in found.stdout
    assert "convgauge reproduce" in found.stdout
