"""The engine's side of timing: a contestant, its process, and how it leaves the race."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from convgauge.problem import Problem
from convgauge.process.isolation import Isolated, Limits, SubjectDied
from convgauge.reference.operands import Array, Operands
from convgauge.registry import LoadError, Origin
from convgauge.terms import RaceVerdict
from convgauge.worker import protocol
from convgauge.worker.call import Call, Observation

GIVEN_UP = 2
"""Deaths or time-outs of a contestant's process after which it is not tried again."""

CALL_TIMEOUT = 20.0
"""Seconds for one call that is being checked; a just-in-time compiler may be at work in it."""


CALIBRATION_TIMEOUT = 700.0
"""Seconds for what is done once for a machine."""


class Out(Exception):
    """A contestant leaves the race on this problem; ``verdict`` says as what, the message why."""

    def __init__(self, verdict: RaceVerdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict


class Request:
    """One call on one problem's operands, packed once for all contestants."""

    def __init__(self, problem: Problem, operands: Operands) -> None:
        self.problem, self.operands = problem, operands
        self._frames: dict[bool, bytes] = {}

    def frame(self, prepares: bool) -> bytes:
        """The request, through ``prepare`` or not."""
        if prepares not in self._frames:
            operands, dtypes = self.operands, (self.problem.dtype,) * 3
            call = Call(operands.input, operands.weight, operands.bias, self.problem.arguments, dtypes)
            call.prepared = self.problem.text if prepares else ""
            self._frames[prepares] = protocol.call_request(call)
        return self._frames[prepares]


class _Process(Isolated):
    """The process of one contestant, which also answers the timing commands."""

    environment: Mapping[str, str] = {
        "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
        "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
        "PYTHONHASHSEED": "0",
    }
    """Has the C library of Linux keep memory that is given back: whether an output's pages are new to a process in each
    call or in none would else depend on what that process did before, and can double the time of a call."""
    fixed = True
    """Of ten processes of one kernel whose addresses the system had drawn, one was slower by 3 to 5 % as long as it
    lived: a contestant is not to owe its verdict to that draw."""

    @property
    def pid(self) -> int:
        """The process's number; 0 while there is none."""
        return self._child.process.pid if self._child is not None else 0

    def ask(self, timeout: float, frame: bytes) -> tuple[dict[str, Any], list[Array], float]:
        """The reply to one request, and the seconds until it came. Raises `Out`."""
        try:
            child = self._living()
            started = time.perf_counter()
            child.send(frame)
            reply = child.receive(timeout)
            waited = time.perf_counter() - started
            try:
                content, arrays = protocol.read_reply(reply)
            except protocol.GarbledFrame as error:
                raise SubjectDied("crashed", f"wrote noise to the engine's pipe ({error})") from None
        except SubjectDied as death:
            seen = self._died(death)
            raise Out("failed", f"its process {seen.message}{_last_words(seen.printed)}") from None
        if "refused" in content:
            raise Out("declined" if content["refused"] == "declined" else "failed", str(content["message"]))
        return content, arrays, waited

    def observe(self, frame: bytes) -> Observation:
        """What the call did that `wire.call_request` packed into ``frame``."""
        try:
            child = self._living()
            child.send(frame)
            seen = protocol.observation_from(*protocol.read_reply(child.receive(self.limits.timeout)))
            return replace(seen, printed=child.printed()) if child.output else seen
        except SubjectDied as death:
            return self._died(death)
        except protocol.GarbledFrame as error:
            return self._died(SubjectDied("crashed", f"wrote noise to the engine's pipe ({error})"))


@dataclass
class Contestant:
    """An implementation under one label, in a process of its own that lives as long as the benchmark.

    The control is the baseline's second contestant. ``rate`` is the seconds per FLOP it took on the last problem that
    it was timed on, ``least_rate`` the fewest that a call was ever predicted to take; ``check_seconds`` what preparing
    and checking took on the last problem: compilers and play-offs take as long for a small one as for a large.
    """

    label: str
    origin: Origin
    threads: int
    seed: int
    control: bool = False
    absent: str = ""
    rate: float = 0.0
    check_seconds: float = 0.0
    least_rate: float = math.inf
    _process: _Process | None = field(default=None, repr=False)

    def launch(self) -> None:
        """Start the process, without waiting for it."""
        if self.origin.absent:
            self.absent = self.origin.absent
            return
        limits = Limits(timeout=CALL_TIMEOUT, threads=self.threads)
        self._process = _Process(self.origin, limits, seed=self.seed)

    def greet(self) -> None:
        """Wait until it is ready; afterwards ``absent`` says why where it is not."""
        if self._process is None:
            return
        try:
            self._process.greet()
        except LoadError as error:
            self.absent = str(error)
            self._process = None

    @property
    def process(self) -> _Process:
        """The process. Raises `Out` where there is none, or it has died too often."""
        if self._process is None:
            raise Out("absent", self.absent)
        if self._process.deaths >= GIVEN_UP:
            raise Out("failed", f"not tried again after {self._process.deaths} deaths of its process")
        return self._process

    @property
    def promise(self) -> str:
        """The accuracy that it promises: "A", "B" or "C"; "B" is asked of one that says nothing."""
        return self.process.description.grade or "B"

    @property
    def algorithm(self) -> str:
        if self._process is None:
            return self.origin.declaration.algorithm if self.origin.declaration else ""
        return self._process.description.algorithm

    def ask(self, timeout: float, command: str, *values: Any) -> tuple[dict[str, Any], list[Array], float]:
        """A timing command's reply and the seconds until it came. Raises `Out`."""
        return self.process.ask(timeout, protocol.request(command, *values))

    def ask_packed(self, timeout: float, frame: bytes) -> tuple[dict[str, Any], list[Array], float]:
        """As `ask`, for a request that is packed already."""
        return self.process.ask(timeout, frame)

    def call(self, case: Request) -> Observation:
        """One call on fresh operands, through ``prepare`` where there is one. Raises `Out` where there is no answer."""
        process = self.process
        if process.description.dtypes and case.problem.dtype not in process.description.dtypes:
            raise Out(
                "declined", f"{case.problem.dtype} is not among its dtypes: {', '.join(process.description.dtypes)}"
            )
        seen = process.observe(case.frame(process.description.prepares))
        if seen.kind == "answer":
            return seen
        if seen.kind == "declined":
            raise Out("declined", seen.message)
        if seen.kind in ("crashed", "timed_out", "not_called"):
            raise Out("failed", f"its process {seen.message}{_last_words(seen.printed)}")
        if seen.kind == "raised":
            raise Out("failed", f"{seen.error[0]}: {seen.message}")
        raise Out("failed", seen.message)

    def calibrate(self) -> float:
        """Have it learn what it needs to know of the machine; the seconds that this took, 0 where there is nothing.

        Afterwards ``absent`` says why where that failed.
        """
        if self._process is None or not self._process.description.calibrates:
            return 0.0
        try:
            return float(self.ask(CALIBRATION_TIMEOUT, "race_calibrate", self.threads)[0]["seconds"])
        except Out as out:
            self.absent, self._process = f"its calibration failed: {out}", None
            return 0.0

    def explanation(self, problem: Problem) -> str:
        """What it says that it did on a problem that it was prepared for, and why; "" where it says nothing."""
        if self._process is None or not self._process.description.explains:
            return ""
        with contextlib.suppress(Out):
            return str(self.ask(CALL_TIMEOUT, "race_explain", problem.text)[0]["text"])
        return ""

    def rest(self) -> None:
        """Have the process let go of operands and outputs, if it lives."""
        if self._process is not None and self._process.pid:
            with contextlib.suppress(Out):
                self.ask(CALL_TIMEOUT, "race_done")

    def core(self) -> int | None:
        """The core that the process's first thread last ran on; None where the system does not tell."""
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="utf-8", errors="replace") as file:
                return int(file.read().rpartition(")")[2].split()[36])  # field 39 of proc(5), the first two left out
        except (OSError, IndexError, ValueError):
            return None

    def keep_to(self, core: int) -> None:
        """Have the process's first thread, which makes the calls, run on one core, where the system can."""
        if hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(self.process.pid, {core})

    def free(self) -> None:
        """Let it run on all the cores again that the engine may use."""
        if hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(self.process.pid, os.sched_getaffinity(0))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()


def _last_words(printed: str) -> str:
    """The last line that a process printed before it died, for a message."""
    lines = printed.strip().splitlines()
    return f"; last printed: {lines[-1][:200]}" if lines else ""
