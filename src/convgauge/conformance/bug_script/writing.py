"""Writing of a script: only one that fails today is written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from convgauge.conformance.bug_script.failure import Failure, NoScriptError
from convgauge.conformance.bug_script.text import scripts
from convgauge.conformance.other_process import PROCESS_FAULTS

MAX_RUNS = 10
"""Scripts that are run before it is given up."""

EXTRA_S = 60.0
"""Seconds beside those of a call: to import a framework, and for the calls that are made before."""


@dataclass(frozen=True)
class Outcome:
    """Result of a script: True if an assertion fails, and the last line that it prints."""

    fails: bool
    last_line: str


def write_script(failure: Failure, path: Path, *, python: str = "", timeout_s: float = 30.0) -> str:
    """Write a script that fails today, and return the line with which it fails.

    Parameters
    ----------
    failure : Failure
        The failing case.
    path : Path
        File to write.
    python : str
        Interpreter that runs it; this one by default.
    timeout_s : float
        Limit of a call in seconds.

    Raises
    ------
    NoScriptError
        If no script shows the failure. No file is written then.
    OSError
        If the file cannot be written.
    """
    if failure.fault.kind in PROCESS_FAULTS:
        raise NoScriptError("a script has one process, and this case fails in another process than its earlier calls")
    last_line = ""
    for number, text in enumerate(scripts(failure)):
        if number == MAX_RUNS:
            break
        outcome = run(text, python or sys.executable, timeout_s + EXTRA_S)
        if outcome.fails:
            path.write_text(text, encoding="utf-8")
            return outcome.last_line
        last_line = outcome.last_line
    why = f"it ends with {last_line!r}" if last_line else "it passes"
    raise NoScriptError(f"a script of the call does not fail in a process of its own: {why}")


def run(text: str, python: str, timeout_s: float) -> Outcome:
    """Run a script in the working directory, and return its outcome."""
    handle, name = tempfile.mkstemp(suffix=".py", prefix="convgauge-script-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run(
            [python, name], capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, f"no end within {timeout_s:g} s")
    finally:
        Path(name).unlink(missing_ok=True)
    errors = done.stderr.strip().splitlines()
    last_line = next(
        (line for line in reversed(errors) if line.startswith("AssertionError")), errors[-1] if errors else ""
    )
    return Outcome(done.returncode == 1 and last_line.startswith("AssertionError"), last_line)
