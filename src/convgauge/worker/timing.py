"""The child's side of timing: operands in place, samples on demand, nothing running in between.

Runs where the implementation runs, on Python 3.9 and newer with nothing but NumPy.
"""

from __future__ import annotations

import gc
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from convgauge.problem import Problem
from convgauge.worker.operand_set import OperandSet
from convgauge.worker.protocol import reply

clock = time.perf_counter_ns

STRETCH = 300_000
"""Nanoseconds of calls after which it is asked whether they were delayed. Asking after each would slow the next: a call
of the system empties the processor's predictions (measured: 2 to 4 % of a call of 35 us)."""


class Timing:
    """Handlers of the timing commands. ``server`` has the loaded ``subject`` and sends replies."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.sets: list[OperandSet] = []
        self.chance = random.Random(0)
        self.output: Any = None
        self.delays = Delays()
        self.delayed = 0

    def handlers(self) -> dict[str, Callable[..., None]]:
        """The commands and what answers them."""
        commands = {
            "race_calibrate": self.calibrate,
            "race_ready": self.ready,
            "race_warm": self.warm,
            "race_sample": self.sample,
            "race_idle": self.idle,
            "race_drop": self.drop,
            "race_place": self.place,
            "race_output": self.last_output,
            "race_memory": self.memory,
            "race_explain": self.explain,
            "race_done": self.done,
            "race_matmul": self.matmul,
            "race_copy": self.copy,
        }
        return {name: self._guarded(command) for name, command in commands.items()}

    def _guarded(self, command: Any) -> Callable[..., None]:
        def answer(*values: Any) -> None:
            try:
                content, arrays = command(*values)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                kind = "declined" if isinstance(error, NotImplementedError) else "raised"
                self.server.send(reply({"refused": kind, "message": _said(error)}))
                return
            self.server.send(reply(content, arrays))

        return answer

    def calibrate(self, threads: int) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Have the implementation learn what it needs to know of the machine. Tells the seconds that this took."""
        subject, started = self.server.subject, clock()
        subject.framework.set_threads(threads)
        subject.implementation.calibrated()
        return {"seconds": (clock() - started) * 1e-9}, []

    def explain(self, text: str) -> tuple[dict[str, Any], list[np.ndarray]]:
        """What the implementation says that it did on the problem ``text``, and why."""
        return {"text": str(self.server.subject.implementation.explained(Problem.parse(text)))}, []

    def ready(
        self, text: str, sets: list[Any], places: list[Any], threads: int
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Put operand sets (packed input, weight, bias) in place for the problem ``text`` and prepare for each.

        ``places`` are, for each set, the indices of input elements that samples may flip the sign of. Tells seconds
        for one ``prepare`` (None where there is none) and how many threads the framework says it uses.
        """
        self.done()
        subject = self.server.subject
        subject.framework.set_threads(threads)
        problem = Problem.parse(text)
        seconds = []
        for packed, changing in zip(sets, places):
            self.sets.append(OperandSet(subject, problem, packed, changing))
            started, before = clock(), self.delays.read()
            self.sets[-1].prepare()
            subject.framework.synchronize()
            delayed = self.delays.read() - before
            seconds.append((clock() - started - delayed) * 1e-9)
        prepares = subject.implementation.prepared is not None
        gc.collect()
        gc.freeze()  # a framework's many objects are not gone through again
        gc.disable()
        facts = {"prepare_seconds": min(seconds) if prepares else None, "threads": subject.framework.thread_count()}
        return facts, []

    def done(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Let go of operands and outputs."""
        self.sets, self.output = [], None
        gc.enable()
        return {}, []

    def warm(self, seconds: float) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Call until the time of a call is stable: three in a row within a tenth, and no faster call before.

        At least once, at most for about ``seconds``. Tells the nanoseconds of each call.
        """
        taken: list[int] = []
        deadline = clock() + int(seconds * 1e9)
        while not taken or (clock() < deadline and not _stable(taken)):
            taken.append(self._timed(len(taken), len(taken)))
        return {"ns": taken}, []

    def sample(self, first: int, last: int) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Time the calls numbered ``first`` to ``last``, after `run_in` calls that are not timed.

        Tells their nanoseconds without delays, those of the delays, and those that the whole of it took.
        """
        gc.collect(1)
        started = clock()
        ahead = run_in(last - first + 1)
        if ahead:
            self._timed(first - ahead, first - 1)
        taken = self._timed(first, last)
        return {"ns": taken, "delayed": self.delayed, "whole": clock() - started}, []

    def idle(self, first: int, last: int) -> tuple[dict[str, Any], list[np.ndarray]]:
        """All that `sample` does but for the calls, so that the engine may know what that takes."""
        gc.collect(1)
        for tick in range(first - run_in(last - first + 1), last + 1):
            self.sets[tick % len(self.sets)].input_of(tick, len(self.sets))
        return {}, []

    def drop(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Give the memory of operands and output back to the system."""
        self.output = None
        for one in self.sets:
            one.drop()
        gc.collect(1)
        _give_back()
        return {}, []

    def place(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Put operands elsewhere in memory after `drop`, and call on each set once.

        No sign is flipped yet, so that an answer kept from this call is wrong in each that is timed.
        """
        framework = self.server.subject.framework
        for one in self.sets:
            one.place(self.chance)
            self.output = one.run(one.operands[0])
            if framework.wait is not None:
                framework.wait(self.output)
        framework.synchronize()
        return {}, []

    def _timed(self, first: int, last: int) -> int:
        """Nanoseconds of the calls, each with the next operand set and one element changed since that set's last call.

        So an answer that was kept from an earlier call is a wrong one. The change is not timed. Nor is the time in
        which this thread was ready to run and the system ran another: on a busy machine it would be most of the noise.
        """
        stretches: list[tuple[int, int, int]] = []
        wait = self.server.subject.framework.wait
        taken = calls = 0
        before = self.delays.read()
        for tick in range(first, last + 1):
            one = self.sets[tick % len(self.sets)]
            run, array = one.run, one.input_of(tick, len(self.sets))
            self.output = None
            started = clock()
            output = run(array)
            if wait is not None:
                wait(output)
            taken += clock() - started
            calls += 1
            self.output = output
            if taken >= STRETCH or tick == last:
                now = self.delays.read()
                stretches.append((taken, now - before, calls))
                taken, calls, before = 0, 0, now
        started = clock()
        self.server.subject.framework.synchronize()
        self.delayed = sum(delay for _, delay, _ in stretches)
        return undelayed(stretches) + int(clock() - started)

    def last_output(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """The output of the last timed call, and its dtype."""
        output, dtype = self.server.subject.framework.read(self.output)
        return {"dtype": dtype}, [output]

    def memory(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Bytes of memory that one call adds at its peak, its output included; None where that cannot be known.

        Linux: free memory is given back, the high-water mark of the resident set is reset (5 written to
        /proc/self/clear_refs, see proc(5)) and read after the call.
        """
        self.output = None
        gc.collect()
        _give_back()
        try:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            return {"peak_bytes": None}, []
        before = _resident("VmRSS")
        self._timed(0, 0)
        after = _resident("VmHWM")
        return {"peak_bytes": max(0, after - before) if before and after else None}, []

    def matmul(self, dtype: str, size: int, repeats: int) -> tuple[dict[str, Any], list[np.ndarray]]:
        """The fastest of ``repeats`` products of two ``size`` square matrices, nanoseconds."""
        a, b = (self._matrix(size, dtype) for _ in range(2))
        return {"ns": self._fastest(lambda: a @ b, repeats)}, []

    def copy(self, count: int, repeats: int) -> tuple[dict[str, Any], list[np.ndarray]]:
        """The fastest of ``repeats`` copies of ``count`` float32 numbers, nanoseconds."""
        source, target = np.ones(count, np.float32), np.zeros(count, np.float32)
        return {"ns": self._fastest(lambda: np.copyto(target, source), repeats)}, []

    def _matrix(self, size: int, dtype: str) -> Any:
        carrier = (
            np.random.default_rng(0)
            .integers(-2, 3, (size, size))
            .astype("float64" if dtype == "float64" else "float32")
        )
        return self.server.subject.framework.make(carrier, dtype, "cpu", "contiguous")[0]

    def _fastest(self, work: Callable[[], Any], repeats: int) -> int:
        taken = []
        for _ in range(repeats):
            started = clock()
            work()
            self.server.subject.framework.synchronize()
            taken.append(clock() - started)
        return min(taken)


class Delays:
    """Nanoseconds that a thread has spent ready to run while the system ran others.

    Linux: the second number of its schedstat (Documentation/scheduler/sched-stats.rst); 0 elsewhere. Unless ``path``
    says otherwise it is the thread that makes this object: in a child, the one that calls the implementation.
    """

    def __init__(self, path: str = "/proc/thread-self/schedstat") -> None:
        try:
            self.file = os.open(path, os.O_RDONLY)
            int(os.pread(self.file, 80, 0).split()[1])
        except (OSError, IndexError, ValueError):
            self.file = -1

    @property
    def known(self) -> bool:
        return self.file >= 0

    def read(self) -> int:
        """The number now; it only grows. 0 once the thread is gone."""
        try:
            return int(os.pread(self.file, 80, 0).split()[1]) if self.file >= 0 else 0
        except (OSError, IndexError):
            return 0

    def close(self) -> None:
        if self.file >= 0:
            os.close(self.file)
            self.file = -1


def run_in(calls: int) -> int:
    """How many calls are made untimed before a sample of so many: enough for code to be in the caches again."""
    return calls // 8


def undelayed(stretches: list[tuple[int, int, int]]) -> int:
    """What calls would have taken in all without delays, nanoseconds.

    A stretch is the nanoseconds that some calls took, those of delay from its beginning to its end, and how many calls
    they were. Where most calls met no delay, the others count as the mean of those: of a short call it is not known
    whether its delay fell between the readings of the two clocks. Where few did, calls are long, and delays are taken
    off.
    """
    every = sum(calls for _, _, calls in stretches)
    clear = [(taken, calls) for taken, delay, calls in stretches if not delay]
    if 2 * sum(calls for _, calls in clear) < every:
        clear = [(max(taken - delay, taken // 10), calls) for taken, delay, calls in stretches]
    return sum(taken for taken, _ in clear) * every // sum(calls for _, calls in clear)


def _stable(taken: list[int]) -> bool:
    latest = taken[-3:]
    return len(taken) >= 4 and max(latest) <= 1.1 * min(latest) and min(latest) >= 0.95 * min(taken)


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {str(error)[:1000]}"
    except BaseException:
        return type(error).__name__


def _give_back() -> None:
    """Ask the C library to return free memory to the system, so that a call that takes it again is seen to."""
    if sys.platform == "linux":
        import ctypes

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _resident(field: str) -> int:
    """A size in /proc/self/status, bytes; 0 where it is not there."""
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
