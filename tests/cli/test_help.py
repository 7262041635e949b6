"""Help: examples that parse, and a start that takes little time."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from convgauge import cli
from support.command_line import commands, parse

HEAVY = {"numpy", "torch", "pytest", "hypothesis", "rich", "jinja2", "msgspec", "psutil", "distributed"}
MAX_HELP_S = 0.25
"""Twice the time that --help takes on a slow machine; importing NumPy alone takes about as long."""


@pytest.mark.parametrize("command", commands())
def test_examples_parse(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command, "--help"]) == 0
    examples = [line.strip() for line in capsys.readouterr().out.partition("Examples:\n")[2].splitlines()]
    assert examples
    for example in examples:
        words = shlex.split(example.replace('eval "$(', "").replace(')"', ""), comments=True)
        end = next((index for index, word in enumerate(words) if word in ("|", ">")), len(words))
        assert words[:2] == ["convgauge", command]
        targets = ["numpy_windows"] if words[1:end] == ["check", "--json"] else []  # from pyproject.toml
        parse([*words[1:end], *targets])


def test_no_words_print_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 4
    printed = capsys.readouterr().out
    assert all(command in printed for command in commands())
    assert cli.main(["-h"]) == 0


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from convgauge import __version__

    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"convgauge {__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["bench", "--help"], ["selftest", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"import sys; from convgauge import cli; cli.main({words!r}); print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {name.partition(".")[0] for name in printed.splitlines()[-1].split()} & HEAVY


@pytest.mark.skipif(sys.platform == "win32", reason="the processor time of children is not known")
def test_help_takes_little_time() -> None:
    """The processor time of the fastest of three starts, which does not depend on other processes."""
    import resource

    command = [sys.executable, "-m", "convgauge", "--help"]
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < MAX_HELP_S
