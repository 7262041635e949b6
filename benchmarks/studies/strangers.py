"""Verdicts on kernels as their authors write them: each sound kernel, and faulty twins of it, beside the expectation.

    python benchmarks/studies/strangers.py [--tier quick] [-k WORD] [--sound] [--output ROWS.jsonl]

The kernels are the files in `strangers/`, one per style. Each is sound, and supports only a part of the problems. A
twin differs from it by one piece of text, its fault. `kernels.toml` in that folder declares the faults and the expected
verdicts: a rung above "wrong" and words of the limits for the sound kernel, "wrong" for a twin. Each check is a command
with one job; that of a twin ends at its first fault. Its seconds contain the start of Python, not that of printing an
adapter. Its processor seconds do not depend on other work on the machine. With --output, an interrupted study
continues where it ended.

A kernel is left out if the module that it needs is not installed. Without the device that it needs, the verdict must be
"unjudged". Exit status 0 if all sound kernels are judged as expected, within 8 s at the quick tier, and if the faults
are found: nine of ten at quick, all at standard. The documentation quotes no figure of this study.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).with_suffix("")
MAX_QUICK_S = 8.0
"""Bound on a quick check of a sound narrow kernel: an author waits that long for an answer between two edits."""
MIN_QUICK_SHARE = 0.9
"""Least share of the faults that a quick check finds; a standard check finds all."""
TABLE_WIDTH = 170


class Kernel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sound kernel of a file, with the texts that make its twins; `kernels.toml` describes the fields."""

    file: str
    style: str
    function: str
    verdict: str
    limits: list[str]
    faults: dict[str, tuple[str, str]]
    framework: str = "numpy"
    options: list[str] = []
    adapter: bool = False
    needs: str = ""

    @property
    def path(self) -> Path:
        """File of the sound kernel."""
        return FOLDER / self.file

    def twin(self, fault: str) -> str:
        """Return the text of a twin. Raises `ValueError` if the text to replace does not occur exactly once."""
        source, (old, new) = self.path.read_text(encoding="utf-8"), self.faults[fault]
        if source.count(old) != 1:
            raise ValueError(f"{self.file}: {fault}: {old!r} occurs {source.count(old)} times")
        return source.replace(old, new)


def kernels() -> list[Kernel]:
    """Return the kernels that `kernels.toml` declares."""
    declared = tomllib.loads((FOLDER / "kernels.toml").read_text(encoding="utf-8"))["kernel"]
    return msgspec.convert(declared, list[Kernel])


@dataclass
class Row:
    """Result of one check. ``fault`` is "" for the sound kernel; ``miss`` is "" if the expectation is met."""

    kernel: str
    fault: str
    verdict: str
    coverage: float | None
    limits: list[str]
    executed: int
    seconds: float
    processor_s: float
    miss: str = ""
    reasons: list[str] = field(default_factory=list)


def is_available(need: str) -> bool:
    """Return True if a module, a program or the device "cuda" is present."""
    if need == "cuda":
        import torch

        return bool(torch.cuda.is_available())
    return importlib.util.find_spec(need) is not None or shutil.which(need) is not None


def rows(chosen: Sequence[Kernel], tier: str, done: Collection[tuple[str, str]] = ()) -> Iterator[Row]:
    """Yield the result of each kernel and of its twins, except for those whose kernel and fault are done."""
    for kernel in chosen:
        if not all(is_available(need) for need in {kernel.framework, kernel.needs} - {"", "cuda"}):
            continue
        is_judged = kernel.needs != "cuda" or is_available("cuda")
        for fault in ("", *kernel.faults):
            if (kernel.style, fault) in done:
                continue
            with tempfile.TemporaryDirectory() as name:
                path = Path(name, kernel.file)
                path.write_text(kernel.path.read_text(encoding="utf-8"))
                target = f"{path}:{kernel.function}"
                if kernel.adapter:  # a twin is called through the adapter of the sound kernel
                    target = adapted(target, path.parent)
                if fault:
                    path.write_text(kernel.twin(fault))
                    # of the same second and the same size as the sound kernel, for which it would be taken
                    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
                row = check(kernel, target, fault, tier, *(["-x"] if fault else []))
                if fault and row.verdict != "wrong":  # the first fault was of a recommended spec, or there is none
                    row = check(kernel, target, fault, tier)
            row.miss = miss(kernel, row, is_judged, tier)
            yield row


def check(kernel: Kernel, target: str, fault: str, tier: str, *further: str) -> Row:
    """Check one target as its author does, with further options; return the result."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    options = ["--framework", kernel.framework, "--tier", tier, "--jobs", "1", "--json", *kernel.options, *further]
    done = _convgauge("check", target, *options)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    try:
        report: dict[str, Any] = json.loads(done.stdout)
        (judgement,) = report["verdicts"].values()
    except ValueError:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        verdict = "unjudged" if done.returncode == 5 else f"exit {done.returncode}"
        return Row(kernel.style, fault, verdict, None, [], 0, seconds, processor_s, reasons=lines[-3:])
    reasons = [f"{each['spec']} {each['status']}: {each['reason']} [{each['problem']}]" for each in report["faults"]]
    if judgement.get("reason"):
        reasons.insert(0, judgement["reason"])
    return Row(
        kernel.style,
        fault,
        judgement["verdict"],
        judgement.get("coverage"),
        judgement.get("limits", []),
        judgement["executed"],
        seconds,
        processor_s,
        reasons=reasons,
    )


def adapted(target: str, folder: Path) -> str:
    """Return the target of the adapter that ``convgauge adapt`` prints, or the kernel itself if it prints none."""
    done = _convgauge("adapt", target)
    if done.returncode or "def " not in done.stdout:
        return target
    (folder / "adapter.py").write_text(done.stdout)
    names = [line.split("def ")[1].split("(")[0] for line in done.stdout.splitlines() if line.startswith("def ")]
    return f"{folder / 'adapter.py'}:{names[-1]}"


def _convgauge(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convgauge", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # compiled once


def miss(kernel: Kernel, row: Row, is_judged: bool, tier: str) -> str:
    """Return the reason why a result is not as expected, or an empty text."""
    if not is_judged:
        return "" if row.verdict == "unjudged" else "judged without its device"
    if row.fault:
        return "" if row.verdict == "wrong" else "fault passed"
    if row.verdict == "wrong":
        return "false wrong"
    if kernel.verdict and row.verdict != kernel.verdict:
        return f"not {kernel.verdict}"
    absent = [word for word in kernel.limits if not any(word in limit.lower() for limit in row.limits)]
    if absent:
        return f"no limit with {', '.join(absent)}"
    return "too slow" if tier == "quick" and row.seconds > MAX_QUICK_S else ""


def stored(path: Path | None, chosen: Sequence[Kernel]) -> list[Row]:
    """Return the results in a file that belong to the kernels and their twins."""
    due = {(kernel.style, fault) for kernel in chosen for fault in ("", *kernel.faults)}
    lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.exists() else []
    return [row for row in (msgspec.json.decode(line, type=Row) for line in lines) if (row.kernel, row.fault) in due]


def table(results: Sequence[Row]) -> Table:
    """Return the table of all results."""
    grid = Table("kernel", "fault of the twin", "verdict", "coverage", "limits", "cases", "s", "CPU s", "expected?")
    for row in results:
        coverage = "" if row.coverage is None else f"{row.coverage:.0f} %"
        cells = (f"{row.executed:,}", f"{row.seconds:.1f}", f"{row.processor_s:.1f}", row.miss or "yes")
        grid.add_row("" if row.fault else row.kernel, row.fault, row.verdict, coverage, "; ".join(row.limits), *cells)
    return grid


def figures(results: Sequence[Row], tier: str) -> list[str]:
    """Return the figures of a run, one sentence per line."""
    sound, faulty = [row for row in results if not row.fault], [row for row in results if row.fault]
    judged = [row for row in sound if row.verdict not in ("wrong", "unjudged") and row.executed]
    lines = [
        f"{tier}: {len(sound)} sound kernels, {sum(row.verdict == 'wrong' for row in sound)} of them wrong",
        f"{len(faulty)} twins, {sum(row.miss == 'fault passed' for row in faulty)} faults passed",
        f"{sum(bool(row.miss) for row in results)} results not as expected",
    ]
    if judged:
        seconds, processor = [row.seconds for row in judged], [row.processor_s for row in judged]
        lines.append(
            f"sound kernels: median {median(seconds):.1f} s, worst {max(seconds):.1f} s;"
            f" processor time median {median(processor):.1f} s, worst {max(processor):.1f} s"
        )
    return lines


def main() -> int:
    """Run the study as a command; return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tier", default="quick", choices=("quick", "standard"), help="tier of the checks (quick)")
    parser.add_argument("-k", dest="word", default="", metavar="WORD", help="only files or styles with this word")
    parser.add_argument("--sound", action="store_true", help="the sound kernels only")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="ROWS.jsonl",
        help="add each result to this file as soon as it ends; those in it, of an interrupted study, are taken over",
    )
    options = parser.parse_args()
    chosen = [kernel for kernel in kernels() if options.word in kernel.file or options.word in kernel.style]
    if options.sound:
        chosen = [msgspec.structs.replace(kernel, faults={}) for kernel in chosen]
    results = stored(options.output, chosen)
    for row in rows(chosen, options.tier, {(row.kernel, row.fault) for row in results}):
        results.append(row)
        print(f"{row.kernel} / {row.fault or 'sound'}: {row.verdict}, {row.miss or 'as expected'}", file=sys.stderr)
        if options.output:
            with options.output.open("a", encoding="utf-8") as stream:
                stream.write(msgspec.json.encode(row).decode() + "\n")
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    console.print(table(results))
    for row in results:
        if row.miss:
            console.print(f"{row.kernel} / {row.fault or 'sound'}: {row.miss}", markup=False)
            for reason in row.reasons[:3]:
                console.print(f"    {reason}", markup=False)
    print(*figures(results, options.tier), sep="\n")
    return int(not is_reached(results, options.tier))


def is_reached(results: Sequence[Row], tier: str) -> bool:
    """Return True if no sound kernel misses its expectation and few enough faults pass."""
    faulty = [row for row in results if row.fault]
    passed = sum(bool(row.miss) for row in faulty)
    allowed = (1 - MIN_QUICK_SHARE) * len(faulty) if tier == "quick" else 0
    return not any(row.miss for row in results if not row.fault) and passed <= allowed


if __name__ == "__main__":
    sys.exit(main())
