"""Throw every kind of fault at the command line and tell what became of each: ``python benchmarks/faults_thrown.py``.

All kernels are judged in one run of ``convgauge check``, as one of them alone might end it. Then a sound one's run is
interrupted in every way, and resumed. The exit status is 1 where a fault had not the outcome that it should have.
It needs a checkout, as the kernels lie in tests/.
"""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from convgauge import results
from convgauge.text import escape_controls
from support.paths import SUPPORT

CHAPTERS = "definition or behaviour"
OPTIONS = [
    "--framework",
    "numpy",
    "--tier",
    "quick",
    "--timeout",
    "1.5",
    "--memory",
    "1500",
    "-k",
    CHAPTERS,
    "-q",
    "--dtype",
    "float32",
]
GRAVITY = ("crashed", "timed_out", "errored", "failed", "vacuous", "declined", "passed", "skipped")


@dataclass(frozen=True)
class Fault:
    """A faulty kernel: what it does, the gravest status that its specs should have, and words that should be said."""

    kernel: str
    what: str
    status: str
    said: str = ""
    file: str = "faulty_processes.py"

    @property
    def target(self) -> str:
        return f"{SUPPORT / self.file}:{self.kernel}"


def lie(kernel: str, what: str, said: str = "", file: str = "faulty_liars.py") -> Fault:
    return Fault(kernel, what, "failed", said, file)


FAULTS = [
    Fault("segfault", "reads address 0", "crashed", "SIGSEGV"),
    Fault("abort", "aborts", "crashed", "SIGABRT"),
    Fault("killed", "kills itself", "crashed", "SIGKILL"),
    Fault("kills_group", "kills its process group", "crashed", "SIGKILL"),
    Fault("exits_0", "os._exit(0)", "crashed", "exit status 0"),
    Fault("exits_1", "os._exit(1)", "crashed", "exit status 1"),
    Fault("system_exit", "sys.exit", "crashed", "exit status 1"),
    Fault("thread_exit", "sys.exit in a thread", "passed"),
    Fault("interrupt", "sends itself SIGINT", "passed"),
    Fault("sleeps", "sleeps for ten minutes", "timed_out", "within 1.5 s"),
    Fault("holds_the_lock", "hangs in C with the interpreter's lock", "timed_out", "within 1.5 s"),
    Fault("backtracks", "a regular expression that takes for ever", "timed_out", "within 1.5 s"),
    Fault("stopped", "stops its process", "timed_out", "within 1.5 s"),
    Fault("memory_error", "raises MemoryError", "errored", "MemoryError"),
    Fault("greedy", "takes more memory than --memory", "errored", "MemoryError"),
    Fault("floods", "prints megabytes", "passed"),
    Fault("floods_and_dies", "prints megabytes and aborts", "crashed", "SIGABRT"),
    Fault("noise", "writes to every descriptor", "crashed", "noise"),
    Fault("huge_frame", "announces a reply of exabytes", "crashed", "noise"),
    Fault("closes", "closes every descriptor", "crashed"),
    Fault("orphans", "forks a sleeper and dies", "crashed"),
    Fault("forks", "forks, so that two answer", "crashed", "out of turn"),
    Fault("always_dies", "dies on every call", "crashed", "given up after 20 deaths in a row"),
    Fault("always_hangs", "hangs on every call", "crashed", "given up after 4 deaths in a row"),
    lie("ignores_weight", "ignores the weight", "outputs are wrong"),
    lie("ignores_input", "ignores the input", "outputs are wrong"),
    lie("ignores_bias", "ignores the bias", "outputs are wrong"),
    lie("constant", "gives a constant", "outputs are wrong"),
    lie("replays_by_address", "replays answers by the operands' addresses", "outputs are wrong"),
    lie("replays_by_shape", "replays answers by the operands' shapes", "outputs are wrong"),
    lie("lazy_by_call_count", "computes only its first twenty answers", "outputs are wrong"),
    lie("stops_the_clock", "replaces Python's clocks", "outputs are wrong"),
    lie("patches_comparisons", "replaces NumPy's comparisons", "outputs are wrong"),
    lie("patches_the_harness", "replaces the purity check, then writes to the input", "wrote to the input"),
    lie("patches_every_module", "replaces the harness's functions wherever they are", "outputs are wrong"),
    lie("lazy_object", "gives an object that computes when it is read", "not a NumPy array"),
    lie("changes_when_read_again", "gives a subclass that changes when it is looked at", "outputs are wrong"),
    lie("wrong_strides", "gives an output whose images are one", ""),
    lie("shares_storage", "gives an output in the input's memory", "the input"),
]


@dataclass(frozen=True)
class Outcome:
    """What became of a fault: the gravest status, where and why, and whether that is as it should be."""

    what: str
    status: str
    where: str
    good: bool


def convgauge(*words: str | Path) -> subprocess.Popen[bytes]:
    """The command line, started."""
    command = [sys.executable, "-m", "convgauge", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def thrown(output: Path) -> dict[str, Outcome]:
    """What became of every fault, by kernel, in one run written to ``output``."""
    process = convgauge("check", *(fault.target for fault in FAULTS), *OPTIONS, "--output", output)
    said, _ = process.communicate()
    run = results.read(output)
    if run.footer is None or process.returncode != 1:
        raise SystemExit(f"the run did not come to its end:\n{said.decode(errors='replace')}")
    return {fault.kernel: _became(fault, run) for fault in FAULTS}


def _became(fault: Fault, run: results.Run) -> Outcome:
    """The gravest record, and there the one that says what it should; good where no spec is missing either."""
    records = [one for one in run.records_of(results.SpecRecord) if one.implementation == fault.kernel]
    most = max(
        len([one for one in run.records_of(results.SpecRecord) if one.implementation == each.kernel]) for each in FAULTS
    )
    gravest = min((one.status for one in records), key=GRAVITY.index, default="lost")
    found = [one for one in records if one.status == gravest and fault.said in one.reason]
    shown = found[0] if found else records[0]
    where = f"{shown.spec}: {shown.reason}" if gravest != "passed" else ""
    lost = f"{most - len(records)} specs lost; " if len(records) != most else ""
    return Outcome(fault.what, gravest, lost + where, bool(found) and gravest == fault.status and not lost)


# --- interruptions ---------------------------------------------------------------------------------------------------

ROOM = 9000  # bytes of a file after which the disk is "full"


def interrupted(folder: Path, how: str) -> Outcome:
    """A run ended in some way ("SIGINT", "SIGTERM", "SIGKILL", "full disk") and resumed: what it then lacks."""
    words = ["check", "numpy_windows", "--tier", "quick", "-k", CHAPTERS, "-q", "--dtype", "float32"]
    whole, cut = folder / "whole.jsonl", folder / f"{how}.jsonl"
    if not whole.exists():
        convgauge(*words, "--output", whole).communicate()
    full = how == "full disk"
    process = convgauge(*words, "--output", cut)
    if full:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (ROOM, ROOM))  # as good as a full disk for this process
    _wait_for(cut, 4)
    children = _children(process.pid)
    if not full:
        process.send_signal(getattr(signal, how))
    process.communicate()
    left = [one for one in children if _alive(one)]
    kept = results.read(cut)
    resumed = convgauge(*words, "--resume", cut)
    resumed.communicate()
    same = _timeless(cut) == _timeless(whole)
    good = kept.footer is None and bool(kept.records) and resumed.returncode == 0 and same and not left
    text = f"exit {process.returncode}, {len(kept.records)} records kept, incomplete; resumed: "
    text += "as if uninterrupted" if same else "not as an uninterrupted run"
    return Outcome(
        f"{how} in the middle of a run", "resumed" if good else "lost", text + f"; left over: {left}" * bool(left), good
    )


def _little_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))


def _wait_for(path: Path, lines: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (path.exists() and path.read_bytes().count(b"\n") >= lines):
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    import psutil

    return [one.pid for one in psutil.Process(pid).children(recursive=True)]


def _alive(pid: int) -> bool:
    """Whether a process is still there after a while."""
    import psutil

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            return False
        time.sleep(0.05)
    return True


def _timeless(path: Path) -> list[results.Record]:
    """The records of a run without what differs from run to run: seconds, and the order of what is judged at once."""
    records = sorted(
        results.read(path).records_of(results.SpecRecord), key=lambda one: (one.implementation, one.spec, one.dtype)
    )
    return [msgspec.structs.replace(one, seconds=0.0) for one in records]


WAYS = ("SIGINT", "SIGTERM", "SIGKILL", "full disk")


def main() -> int:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outcomes = [*thrown(folder / "run.jsonl").values(), *(interrupted(folder, way) for way in WAYS)]
    table = Table("fault", "outcome", "as told", "", title="faults thrown and what became of each")
    for one in outcomes:
        told = escape_controls(one.where.split("\n")[0])[:110]
        table.add_row(one.what, one.status.replace("_", " "), told, "" if one.good else "WRONG")
    Console(width=None if sys.stdout.isatty() else 190).print(table, markup=False)
    good = sum(one.good for one in outcomes)
    print(f"{good} of {len(outcomes)} faults had the outcome that they should have; nothing else was lost")
    return int(good != len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
