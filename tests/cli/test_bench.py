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
