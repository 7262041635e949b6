"""``convgauge completion``, and the completion of words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.command_line import convgauge


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_printed_that_the_shell_can_read(shell: str, tmp_path: Path) -> None:
    process = convgauge("completion", shell)
    assert process.returncode == 0
    assert "convgauge" in process.stdout
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(process.stdout)
        subprocess.run([shell, "-n", str(script)], check=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ben", "bench"),
        ("check --prof", "--profile"),
        ("check --profile ker", "kernel"),
        ("bench --operands c", "cold"),
        ("selftest --tier q", "quick"),
        ("completion z", "zsh"),
    ],
)
def test_words_are_completed(words: str, expected: str) -> None:
    typed = ["convgauge", *words.split()]
    process = convgauge(_CONVGAUGE_COMPLETE="bash_complete", COMP_WORDS=" ".join(typed), COMP_CWORD=str(len(typed) - 1))
    assert process.stdout.split() == [f"plain,{expected}"], process.stderr


@pytest.mark.parametrize("words", ["check ker", "check --expect know", "report run", "compare a.jsonl b"])
def test_files_are_completed_by_the_shell(words: str) -> None:
    typed = ["convgauge", *words.split()]
    process = convgauge(_CONVGAUGE_COMPLETE="bash_complete", COMP_WORDS=" ".join(typed), COMP_CWORD=str(len(typed) - 1))
    assert process.stdout.startswith("file,"), process.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_a_command(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(convgauge("completion", "bash").stdout)
    program = tmp_path / "convgauge"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m convgauge "$@"\n')
    program.chmod(0o755)
    typed = "COMP_WORDS=(convgauge ben); COMP_CWORD=1"
    code = f"source {script}; {typed}; _convgauge_completion {program}; echo $COMPREPLY"
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert process.stdout.split() == ["bench"], process.stderr
