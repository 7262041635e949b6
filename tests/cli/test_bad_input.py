"""Bad input: one sentence and the right exit status, never a traceback of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge import cli
from support.command_line import convgauge

PROBLEM = "n1c2h5w5_o1k1x1_s1x1_p0x0_d1x1_g1_float32"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("chek numpy_windows", "No such command 'chek'; did you mean 'check'?"),
        ("frobnicate", "No such command 'frobnicate'; the commands are list, check"),
        ("check", "check needs a target"),
        ("check numpy_windows --teir quick", "--tier"),
        ("check numpy_windows --tier", "requires an argument"),
        ("check numpy_windows --tier medium", "'medium' is not one of 'quick', 'standard', 'exhaustive'"),
        ("check numpy_windows --profile kernels", "'kernels' is not one of"),
        ("check numpy_windows --dtype float31", "dtype 'float31' is not one of"),
        ("check numpy_windows --refusals ValueError,Type-Error", "'Type-Error' is not the name of an exception class"),
        ("check numpy_windows --timeout long", "'--timeout': 'long' is not a valid float"),
        ("check numpy_windows --timeout 0", "timeout = 0 s: must be greater than 0"),
        ("check numpy_windows --memory much", "'much' is not a valid integer"),
        ("check numpy_windows --jobs -1", "jobs = -1: must be at least 1"),
        ("check numpy_windows --cluster tcp://127.0.0.1:1 -x", "-x is for one machine"),
        ("check numpy_windows --cluster tcp://127.0.0.1:1 --expect nowhere.toml", "nowhere.toml"),
        ("bench numpy_window", "did you mean numpy_windows"),
        ("bench numpy_windows --layers smok", "did you mean smoke"),
        ("bench numpy_windows --baseline nump_windows --layers smoke", "did you mean numpy_windows"),
        ("bench numpy_windows --threads x", "'x' is not a list of numbers"),
        ("bench numpy_windows --threads 0", "threads = 0: must be at least 1"),
        ("bench numpy_windows --budget -1", "budget = -1 s: must be greater than 0"),
        ("bench numpy_windows --operands warm", "'warm' is not one of 'hot', 'cold'"),
        ("bench numpy_windows --layers smoke --output /proc/nowhere/run.jsonl", "written to /proc/nowhere/run.jsonl"),
        ("bench numpy_windows --json --cluster tcp://127.0.0.1:1", "--json is for one machine"),
        ("report nowhere.jsonl", "'nowhere.jsonl' does not exist"),
        ("compare nowhere.jsonl nowhere.jsonl", "'nowhere.jsonl' does not exist"),
        ("merge nowhere.jsonl --output run.jsonl", "'nowhere.jsonl' does not exist"),
        ("reproduce numpy_windows n1c2h3", "problem 'n1c2h3'"),
        (f"reproduce numpy_window {PROBLEM}", "did you mean numpy_windows"),
        ("selftest --tier medium", "'medium' is not one of"),
        ("selftest --resume nowhere.json", "'nowhere.json' does not exist"),
        ("completion csh", "'csh' is not one of 'bash', 'zsh', 'fish'"),
        ("list --spec", "--specs"),
    ],
)
def test_bad_input_is_one_sentence(
    words: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(words.split()) == 4
    printed = capsys.readouterr()
    assert not printed.out
    sentence, *hint = printed.err.splitlines()
    assert sentence.startswith("convgauge: ")
    assert message in sentence
    assert not hint or (len(hint) == 1 and hint[0].endswith(" --help"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("numpy_window", 4, "did you mean numpy_windows"),
        ("nowhere.py:conv", 4, "there is no file"),
        ("numpy_windows --expect nowhere.toml", 4, "nowhere.toml"),
        ("numpy_windows --shard 3/2", 4, "shard '3/2'"),
        ("numpy_windows --resume nowhere.jsonl", 4, "nowhere.jsonl cannot be resumed"),
        ("numpy_windows --framework nump", 4, "framework 'nump'"),
        ("numpy_windows --tier quick -k nothing_has_this_name", 5, "nothing was executed"),
        ("numpy_windows --tier quick -k padding --output /proc/nowhere/run.jsonl", 4, "cannot be written"),
    ],
)
def test_a_check_that_cannot_start_has_no_traceback(words: str, status: int, message: str, tmp_path: Path) -> None:
    process = convgauge("check", *words.split(), folder=tmp_path)
    printed = process.stdout + process.stderr
    assert process.returncode == status, printed
    assert message in printed
    assert "Traceback" not in printed
    assert not list(tmp_path.glob("*.jsonl"))


def test_a_wrong_signature_is_shown(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def narrow(input, weight, conv_param):\n    return input\n")
    process = convgauge("check", "mine.py:narrow", "--framework", "numpy", "--tier", "quick", folder=tmp_path)
    assert process.returncode == 4
    printed = process.stdout + process.stderr
    assert "narrow(input, weight, conv_param) cannot be called as f(input, weight, bias=None" in printed
    assert "its parameter conv_param is no argument of conv2d" in printed
    assert "convgauge adapt" in printed


def test_a_file_that_fails_to_import_shows_its_own_traceback(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def inner():\n    return 1 / 0\n\ninner()\n")
    process = convgauge("check", "broken.py:conv", "--framework", "numpy", "--tier", "quick", folder=tmp_path)
    printed = process.stdout + process.stderr
    assert process.returncode == 4
    assert "ZeroDivisionError" in printed
    assert "broken.py" in printed
    assert "loading.py" not in printed
