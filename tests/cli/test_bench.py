"""``convgauge bench``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from convgauge import results
from support.command_line import convgauge

PROBLEM = "n1c2h6w7_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32"
RACE = ["bench", "numpy_im2col", "--baseline", "numpy_windows", "--layers", PROBLEM, "--budget", "1"]


def test_json_has_standings_and_ratios() -> None:
    process = convgauge(*RACE, "--json")
    summary = json.loads(process.stdout)
    assert process.returncode == summary["exit_status"] == 0
    assert [timing["implementation"] for timing in summary["timings"]] == ["numpy_windows", "numpy_im2col"]
    assert summary["timings"][0]["verdict"] == "baseline"
    assert {standing["implementation"]: standing["ranked"] for standing in summary["standings"]} == {
        timing["implementation"]: int(timing["seconds"] is not None) for timing in summary["timings"]
    }
    assert "ratio" in process.stderr  # the text for people is on standard error


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /dev/full")
def test_json_of_a_run_that_cannot_be_written_has_no_traceback() -> None:
    process = convgauge(*RACE, "--json", "--output", "/dev/full")
    assert process.returncode == 3
    assert process.stdout == ""
    assert process.stderr.splitlines()[-1].startswith("convgauge: the run cannot be written to /dev/full")


def test_quiet_prints_nothing_and_writes_the_run(tmp_path: Path) -> None:
    process = convgauge(*RACE, "--quiet", "--output", str(tmp_path / "race.jsonl"))
    assert (process.returncode, process.stdout) == (0, "")
    run = results.read(tmp_path / "race.jsonl")
    assert run.footer is not None
    assert len(run.records_of(results.TimingRecord)) == 2


KERNEL = """
import numpy as np

def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert groups == 1
    padded = np.pad(input, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))[:, :, ::stride[0]]
    output = np.einsum("nchwij,ocij->nohw", windows[..., ::stride[1], :, :], weight, optimize=True)
    return output if bias is None else output + bias[:, None, None]
"""


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    for name in ("old", "new"):
        (tmp_path / f"{name}.py").write_text(KERNEL)
    return tmp_path


@pytest.mark.parametrize(
    "words", [("old.py:conv2d", "new.py:conv2d"), ("new.py:conv2d", "--baseline", "old.py:conv2d")]
)
def test_two_kernels_of_one_name_are_refused(kernels: Path, words: tuple[str, ...]) -> None:
    process = convgauge("bench", *words, "--framework", "numpy", "--layers", PROBLEM, "--budget", "1", folder=kernels)
    assert process.returncode == 4
    assert "two targets are called 'conv2d'" in process.stderr
    assert "conv2d_2=" in process.stderr


def test_named_kernels_race_and_are_recorded_with_their_targets(kernels: Path) -> None:
    path = kernels / "race.jsonl"
    options = ("--framework", "numpy", "--layers", PROBLEM, "--budget", "1", "--output", str(path), "--quiet")
    words = ("new=new.py:conv2d", "--baseline", "old=old.py:conv2d", "--supports", "height % 4 == 0")
    assert convgauge("bench", *words, *options, folder=kernels).returncode == 0
    timings = results.read(path).records_of(results.TimingRecord)
    assert [(timing.implementation, timing.target, timing.baseline) for timing in timings] == [
        ("old", "old=old.py:conv2d", "old"),
        ("new", "new=new.py:conv2d", "old"),
    ]
    assert (timings[1].verdict, timings[1].reason) == ("declined", "outside the declared domain: height % 4 == 0")


@pytest.mark.parametrize(("refusals", "verdict"), [((), "failed"), (("--refusals", "ValueError"), "declined")])
def test_an_exception_of_a_library_is_a_refusal_if_it_is_named(
    kernels: Path, refusals: tuple[str, ...], verdict: str
) -> None:
    (kernels / "new.py").write_text(f"{KERNEL.rstrip()}.reshape(5, 7)\n")
    path = kernels / "race.jsonl"
    options = ("--framework", "numpy", "--layers", PROBLEM, "--budget", "1", "--output", str(path), "--quiet")
    convgauge("bench", "new=new.py:conv2d", "--baseline", "old=old.py:conv2d", *refusals, *options, folder=kernels)
    *_, timing = results.read(path).records_of(results.TimingRecord)
    assert (timing.implementation, timing.verdict) == ("new", verdict)
    assert "cannot reshape" in timing.reason


def test_a_baseline_whose_file_is_missing_is_named(kernels: Path) -> None:
    process = convgauge("bench", "new.py:conv2d", "--baseline", "gone.py:conv2d", "--layers", PROBLEM, folder=kernels)
    assert process.returncode == 4
    assert "baseline: there is no file gone.py" in process.stderr
