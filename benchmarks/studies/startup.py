"""Start-up time of ``convgauge --help`` beside Python itself, a bare argparse program, and the import of NumPy.

    python benchmarks/studies/startup.py [--repeat 10]

Each command runs several times, in turns. The table gives the least processor time and the least wall time; the least
of several is the figure that other programs disturb least. Exit status 1 if ``convgauge --help`` takes more than
0.25 s of processor time.

Figures, processor time on one of two shared cores under load: 105 ms for ``convgauge --help``, 31 ms for the bare
argparse program, 114 ms for the import of NumPy, 12 ms for ``python -c pass``. The documentation quotes none of them.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

MAX_HELP_S = 0.25
"""Below this, a person does not notice that a program starts."""

BARE_PARSER = """
import argparse
parser = argparse.ArgumentParser(prog="bare")
parser.add_subparsers().add_parser("check").add_argument("--tier")
parser.parse_args(["--help"])
"""
COMMANDS = {
    "convgauge --help": ("-m", "convgauge", "--help"),
    "convgauge check --help": ("-m", "convgauge", "check", "--help"),
    "argparse --help": ("-c", BARE_PARSER),
    "import click": ("-c", "import click"),
    "import numpy": ("-c", "import numpy"),
    "python -c pass": ("-c", "pass"),
}


class Duration(NamedTuple):
    """Seconds of one start."""

    processor_s: float
    wall_s: float


def measure(arguments: Sequence[str]) -> Duration:
    """Run Python with the arguments once."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Duration(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall_s)


def main() -> int:
    """Print the table; return 1 if the bound is exceeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=10, metavar="N", help="starts of each command (10)")
    repeat = parser.parse_args().repeat
    durations: dict[str, list[Duration]] = {name: [] for name in COMMANDS}
    for _ in range(repeat):
        for name, arguments in COMMANDS.items():
            durations[name].append(measure(arguments))
    grid = Table("command", "processor time", "wall time")
    for name, measured in durations.items():
        processor_s, wall_s = (min(values) for values in zip(*measured, strict=True))
        grid.add_row(name, f"{processor_s * 1e3:.0f} ms", f"{wall_s * 1e3:.0f} ms")
    Console().print(grid)
    return int(min(duration.processor_s for duration in durations["convgauge --help"]) > MAX_HELP_S)


if __name__ == "__main__":
    sys.exit(main())
