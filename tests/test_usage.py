"""The command line as people expect it: help with examples, JSON, no colour where none is wanted, completions."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from convgauge import cli
from convgauge.bundled import bundled
from convgauge.cli.completion import SHELLS

COMMANDS = cli._parser().commands()
FEW = ["--tier", "quick", "-k", "test_pair_pads"]
FAULTY = """
import numpy as np

def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.zeros((1, 1, 1, 1), input.dtype)
"""


def convgauge(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convgauge", *words]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    (tmp_path / "kernel.py").write_text(FAULTY)
    return f"{tmp_path / 'kernel.py'}:conv2d"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_that_parse(command: str) -> None:
    text = COMMANDS[command].format_help()
    examples = [line.strip() for line in text.partition("examples:\n")[2].splitlines()]
    assert examples
    for example in examples:
        words = shlex.split(example.replace('eval "$(', "").replace(')"', ""), comments=True)
        stop = next((place for place, word in enumerate(words) if word in ("|", ">")), len(words))
        assert words[0] == "convgauge"
        assert cli._parser().parse_args(words[1:stop]).run is COMMANDS[command].get_default("run")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["check", "numpy_windows", "--teir", "quick"], "did you mean --tier?"),
        (["chek", "numpy_windows"], "invalid choice: 'chek'"),
        (["check", "numpy_windows", "--timeout", "long"], "'long' is not a number"),
        (["completion", "csh"], "invalid choice: 'csh'"),
    ],
)
def test_wrong_usage_says_what_to_do(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    said = capsys.readouterr().err
    assert ended.value.code == 4
    assert hint in said
    assert "--help" in said


def test_list_as_json() -> None:
    found = json.loads(convgauge("list", "--json").stdout)
    names = {one["name"] for one in found["implementations"]}
    specs = {one["id"]: one for one in found["specs"]}
    assert "numpy_windows" in names
    assert specs["padding.int"]["profile"] == "functional"
    assert specs["padding.int"]["sentence"] == "Padding p means (p, p)."
    assert found["frameworks"]["numpy"] is True


def test_check_as_json(faulty: str) -> None:
    told = convgauge("check", faulty, "numpy_windows", "--framework", "numpy", "--json", *FEW)
    found = json.loads(told.stdout)
    assert told.returncode == found["exit_status"] == 1
    assert found["verdicts"]["conv2d"]["verdict"] == "nonconformant"
    assert found["verdicts"]["numpy_windows"]["verdict"] == "conformant"
    (fault,) = found["faults"]
    assert fault["spec"] == "padding.pair"
    assert fault["reproduce"].startswith("convgauge reproduce")
    assert "verdicts" in told.stderr  # what people read goes on, aside


def test_bench_as_json() -> None:
    problem = "n1c2h6w7_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32"
    words = ["bench", "numpy_im2col", "--baseline", "numpy_windows", "--layers", problem, "--budget", "1", "--json"]
    told = convgauge(*words)
    found = json.loads(told.stdout)
    assert told.returncode == found["exit_status"] == 0
    assert [one["implementation"] for one in found["timings"]] == ["numpy_windows", "numpy_im2col"]
    assert found["timings"][0]["verdict"] == "baseline"
    assert {one["implementation"]: one["ranked"] for one in found["standings"]} == {
        one["implementation"]: int(one["seconds"] is not None) for one in found["timings"]
    }
    assert "ratio" in told.stderr  # what people read goes on, aside


def test_compare_as_json(faulty: str, tmp_path: Path) -> None:
    good, bad = str(tmp_path / "good.jsonl"), str(tmp_path / "bad.jsonl")
    kernel = Path(faulty.rpartition(":")[0])
    convgauge("check", faulty, "--framework", "numpy", "--output", bad, *FEW)
    shutil.copy(bundled("implementations", "numpy_windows.py"), tmp_path)
    sound = "from numpy_windows import numpy_windows\n\ndef conv2d(*operands, **arguments):\n"
    kernel.write_text(sound + "    return numpy_windows(*operands, **arguments)\n")
    convgauge("check", faulty, "--framework", "numpy", "--output", good, *FEW)
    told = convgauge("compare", good, bad, "--json")
    found = json.loads(told.stdout)
    assert told.returncode == found["exit_status"] == 1
    assert {"kind": "broke"}.items() <= found["changes"][-1].items()


@pytest.mark.parametrize("words", [["list"], ["check", "numpy_windows", *FEW]], ids=["list", "check"])
def test_a_pipe_gets_plain_lines(words: list[str]) -> None:
    told = convgauge(*words).stdout
    assert "\x1b" not in told
    assert "\r" not in told


def test_no_color_is_honoured_where_colour_is_forced_too() -> None:
    """https://no-color.org: whoever sets it wants none."""
    told = convgauge("list", NO_COLOR="1", FORCE_COLOR="1").stdout
    assert "\x1b[3" not in told
    plain = convgauge("check", "numpy_windows", *FEW, NO_COLOR="1").stdout
    assert "\x1b" not in plain


def test_quiet_gives_the_verdicts_alone(faulty: str) -> None:
    told = convgauge("check", "numpy_windows", "-q", *FEW).stdout
    assert "numpy_windows: conformant" in told
    assert "test session starts" not in told
    assert "PASSED" in convgauge("check", "numpy_windows", "-v", *FEW).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_know_every_command(shell: str, tmp_path: Path) -> None:
    found = convgauge("completion", shell)
    assert found.returncode == 0
    assert all(command in found.stdout for command in COMMANDS)
    assert "--profile" in found.stdout or "-l profile" in found.stdout
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(found.stdout)
        subprocess.run([shell, "-n", str(script)], check=True)


def test_bash_completes_a_command_and_an_option(tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    script = tmp_path / "script"
    script.write_text(convgauge("completion", "bash").stdout)
    asked = (
        "COMP_WORDS=(convgauge {}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _shtab_convgauge; echo ${{COMPREPLY[@]}}"
    )
    for words, answer in (("ben", "bench"), ("check --prof", "--profile")):
        command = f"source {script}; {asked.format(words)}"
        told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert told.stdout.split() == [answer], told.stderr


def test_a_kept_run_says_what_to_do_with_it(tmp_path: Path) -> None:
    run = tmp_path / "run.jsonl"
    told = convgauge("check", "numpy_windows", *FEW, "--output", str(run)).stdout
    assert f"convgauge report {run}" in told
