"""Outcome of every kind of fault on the command line: ``python tests/support/thrown_faults.py``.

One run of ``convgauge check`` judges all kernels, because one of them alone might end it. Then a run of a correct
kernel is interrupted in every way, and resumed. The exit status is 1 if a fault did not have its expected outcome.
The script needs a checkout, because the kernels are in tests/.
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
from convgauge.terms import GRAVITY, Status
from convgauge.text import escape_controls
from support.paths import SUPPORT

CHAPTERS = "definition or unchanged or fresh or same or many"
OPTIONS = [
    "--framework", "numpy", "--tier", "quick", "--timeout", "1.5", "--memory", "1500", "-k", CHAPTERS, "-q",
    "--dtype", "float32",
]  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """Faulty kernel: its fault, the gravest status that its specs should have, and words of the expected reason."""

    kernel: str
    sentence: str
    status: Status
    reason: str = ""
    file: str = "faulty_processes.py"

    @property
    def target(self) -> str:
        return f"{SUPPORT / self.file}:{self.kernel}"


def wrong(kernel: str, sentence: str, reason: str = "") -> Fault:
    """Return a kernel that gives wrong outputs."""
    return Fault(kernel, sentence, "failed", reason, "faulty_liars.py")


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
    Fault("backtracks", "runs a regular expression that does not end", "timed_out", "within 1.5 s"),
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
    wrong("ignores_weight", "ignores the weight", "outputs are wrong"),
    wrong("ignores_input", "ignores the input", "outputs are wrong"),
    wrong("ignores_bias", "ignores the bias", "outputs are wrong"),
    wrong("constant", "gives a constant", "outputs are wrong"),
    wrong("replays_by_address", "replays answers by the operands' addresses", "outputs are wrong"),
    wrong("replays_by_shape", "replays answers by the operands' shapes", "outputs are wrong"),
    wrong("lazy_by_call_count", "computes only its first twenty answers", "outputs are wrong"),
    wrong("stops_the_clock", "replaces Python's clocks", "outputs are wrong"),
    wrong("patches_comparisons", "replaces NumPy's comparisons", "outputs are wrong"),
    wrong("patches_the_harness", "replaces the purity check, then writes to the input", "wrote to the input"),
    wrong("patches_every_module", "replaces the harness's functions wherever they are", "outputs are wrong"),
    wrong("lazy_object", "gives an object that computes when it is read", "not a NumPy array"),
    wrong("changes_when_read_again", "gives a subclass that changes when it is read", "outputs are wrong"),
    wrong("wrong_strides", "gives an output whose images are one", ""),
    wrong("shares_storage", "gives an output in the input's memory", "the input"),
]


@dataclass(frozen=True)
class Outcome:
    """Outcome of a fault: the gravest status, the spec and the reason, and True if they are the expected ones."""

    sentence: str
    status: str
    reason: str
    is_expected: bool


def convgauge(*words: str | Path) -> subprocess.Popen[bytes]:
    """Start the command line."""
    command = [sys.executable, "-m", "convgauge", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def thrown(output: Path) -> dict[str, Outcome]:
    """Return the outcome of every fault, by kernel, in one run that is written to ``output``."""
    process = convgauge("check", *(fault.target for fault in FAULTS), *OPTIONS, "--output", output)
    printed, _ = process.communicate()
    run = results.read(output)
    if run.footer is None or process.returncode != 1:
        raise SystemExit(f"the run is not complete:\n{printed.decode(errors='replace')}")
    records = {fault.kernel: records_of(run, fault.kernel) for fault in FAULTS}
    count = max(map(len, records.values()))
    return {fault.kernel: _outcome(fault, records[fault.kernel], count) for fault in FAULTS}


def records_of(run: results.Run, kernel: str) -> list[results.SpecRecord]:
    """Return the records of a kernel."""
    return [record for record in run.records_of(results.SpecRecord) if record.implementation == kernel]


def _outcome(fault: Fault, records: list[results.SpecRecord], count: int) -> Outcome:
    """Return the gravest status; it is expected if a record has the expected reason and none of ``count`` is lost."""
    gravest = min((record.status for record in records), key=GRAVITY.index)
    matching = [record for record in records if record.status == gravest and fault.reason in record.reason]
    example = matching[0] if matching else records[0]
    reason = f"{example.spec}: {example.reason}" if gravest != "passed" else ""
    lost = f"{count - len(records)} specs lost; " if len(records) != count else ""
    is_expected = bool(matching) and gravest == fault.status and not lost
    return Outcome(fault.sentence, gravest, lost + reason, is_expected)


# --- interruptions ---------------------------------------------------------------------------------------------------

MAX_FILE_BYTES = 9000  # the size of a file at which the disk is "full"


def interrupted(folder: Path, interruption: str) -> Outcome:
    """Interrupt a run ("SIGINT", "SIGTERM", "SIGKILL", "full disk"), resume it, and compare it with a whole one."""
    words = ["check", "numpy_windows", "--tier", "quick", "-k", CHAPTERS, "-q", "--dtype", "float32"]
    whole, cut = folder / "whole.jsonl", folder / f"{interruption}.jsonl"
    if not whole.exists():
        convgauge(*words, "--output", whole).communicate()
    process = convgauge(*words, "--output", cut)
    if interruption == "full disk":  # for this process, a limit of the file's size is equivalent
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    _wait_for(cut, 4)
    children = _children(process.pid)
    if interruption != "full disk":
        process.send_signal(getattr(signal, interruption))
    process.communicate()
    left = [pid for pid in children if _is_alive(pid)]
    first = results.read(cut)
    resumed = convgauge(*words, "--resume", cut)
    resumed.communicate()
    is_same = _timeless(cut) == _timeless(whole)
    is_expected = first.footer is None and bool(first.records) and resumed.returncode == 0 and is_same and not left
    text = f"exit {process.returncode}, {len(first.records)} records, incomplete; resumed: "
    text += "as if uninterrupted" if is_same else "not as an uninterrupted run"
    text += f"; left over: {left}" if left else ""
    return Outcome(f"{interruption} during a run", "resumed" if is_expected else "lost", text, is_expected)


def _wait_for(path: Path, lines: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (path.exists() and path.read_bytes().count(b"\n") >= lines):
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _is_alive(pid: int) -> bool:
    """Return True if a process is still running after 10 s."""
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
    """Return the records of a run in a fixed order and without seconds, which differ between runs."""
    records = sorted(
        results.read(path).records_of(results.SpecRecord),
        key=lambda record: (record.implementation, record.spec, record.dtype),
    )
    return [msgspec.structs.replace(record, seconds=0.0) for record in records]


INTERRUPTIONS = ("SIGINT", "SIGTERM", "SIGKILL", "full disk")


def main() -> int:
    """Print the outcomes as a table; return 1 if one is not expected."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outcomes = [*thrown(folder / "run.jsonl").values(), *(interrupted(folder, way) for way in INTERRUPTIONS)]
    table = Table("fault", "outcome", "reason", "", title="faults and their outcomes")
    for outcome in outcomes:
        reason = escape_controls(outcome.reason.split("\n")[0])[:110]
        mark = "" if outcome.is_expected else "WRONG"
        table.add_row(outcome.sentence, outcome.status.replace("_", " "), reason, mark)
    Console(width=None if sys.stdout.isatty() else 190).print(table, markup=False)
    expected = sum(outcome.is_expected for outcome in outcomes)
    print(f"{expected} of {len(outcomes)} faults had their expected outcome; nothing else was lost")
    return int(expected != len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
