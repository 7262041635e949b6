"""A contestant of a race: commands to the process of its current life, and the reasons for which it withdraws."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from convgauge.domain import EVERYTHING, Domain, domain_of, fields_of
from convgauge.problem import Problem
from convgauge.process.by_width import wide_dtypes, wide_variables
from convgauge.process.connection import CommandRefused, Connection
from convgauge.process.failures import ProcessFailure
from convgauge.process.runner import Limits
from convgauge.race.lives import Lives
from convgauge.race.workload import Drawn, Workload
from convgauge.registry import LoadError, Origin, short_target_of
from convgauge.terms import RaceVerdict
from convgauge.worker.call import Observation
from convgauge.worker.messages import Calibrate, Explain, MakeCall, Observed, R, ReleaseOperands, WorkerCommand
from convgauge.worker.protocol import Encoded, encode

MAX_PROCESS_FAILURES = 2
"""Failures of a contestant's process after which it is not started again."""

CALL_TIMEOUT_S = 20.0
"""Seconds for one call that is checked; `convgauge.process.first_call` gives a compiler more."""

CALIBRATION_TIMEOUT_S = 700.0
"""Seconds for the work that is done once per machine."""

AUTOGRAD = "torch"
"""Framework whose automatic differentiation is timed."""

MAX_LAST_LINE = 200  # characters

KEPT_MEMORY: Mapping[str, str] = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "PYTHONHASHSEED": "0",
}
"""Variables that let the C library of Linux keep memory that is given back. Otherwise the history of a process decides
if an output has new pages in each call or in none, which can double the time of a call."""


class Withdrawn(Exception):
    """A contestant leaves the race on this problem, with a verdict and the reason as the message.

    ``ended_process`` is True if the contestant's process ended or did not reply.
    """

    def __init__(self, verdict: RaceVerdict, reason: str, *, ended_process: bool = False) -> None:
        super().__init__(reason)
        self.verdict, self.ended_process = verdict, ended_process


class CallRequest:
    """One call on drawn operands, encoded once for all contestants."""

    def __init__(self, work: Workload, drawn: Drawn) -> None:
        self.work, self.drawn = work, drawn
        self._encoded: dict[bool, Encoded[Observed]] = {}

    def encoded(self, prepares: bool) -> Encoded[Observed]:
        """Return the command, through ``prepare`` if ``prepares``."""
        if prepares not in self._encoded:
            self._encoded[prepares] = encode(MakeCall(self.work.call(self.drawn, prepares=prepares)))
        return self._encoded[prepares]


@dataclass
class Contestant:
    """An implementation under one label, in processes of its own, one of which runs at a time (`Lives`).

    The control is the baseline's second contestant.

    Parameters
    ----------
    label : str
        Name in the table.
    origin : Origin
        The implementation.
    threads, seed : int
        Threads of its framework, and seed of the random generators.
    control : bool
        True for the control.
    absent : str
        Reason why it cannot take part, or empty.
    supports : Domain
        Domain that the request declares for it; the implementation may declare one too.
    refusals : tuple of str
        Further exception classes by which it refuses a problem.
    rate : float
        Seconds per FLOP on the last problem that it was timed on.
    least_rate : float
        Smallest seconds per FLOP that were predicted for a call.
    check_seconds : float
        Duration of preparation and check on the last problem: compilers and play-offs take as long for a small problem
        as for a large one.
    """

    label: str
    origin: Origin
    threads: int
    seed: int
    control: bool = False
    absent: str = ""
    supports: Domain = EVERYTHING
    refusals: tuple[str, ...] = ()
    rate: float = 0.0
    check_seconds: float = 0.0
    least_rate: float = math.inf
    calibrates: bool = False
    explains: bool = False
    _lives: Lives | None = field(default=None, repr=False)

    def launch(self, dtypes: Collection[str] = ()) -> None:
        """Start the first process, without waiting for it.

        Processes support wide dtypes (`convgauge.process.by_width`) if one of ``dtypes`` is one: all races share them.

        Their addresses are fixed: of ten processes of one kernel with random addresses, one was slower by 3 to 5 % as
        long as it lived, and few lives would not average that out.
        """
        if self.origin.absent:
            self.absent = self.origin.absent
            return
        limits = Limits(timeout_s=CALL_TIMEOUT_S, threads=self.threads)
        is_wide = not set(dtypes).isdisjoint(wide_dtypes(self.origin))
        environment = {**KEPT_MEMORY, **(wide_variables(self.origin) if is_wide else {})}
        self._lives = Lives(
            lambda: Connection(
                self.origin, limits, seed=self.seed, environment=environment, fixed=True, refusals=self.refusals
            )
        )

    def wait_ready(self) -> None:
        """Wait until it is ready, or set `absent` to the reason why it is not."""
        if self._lives is None:
            return
        try:
            self._lives.wait_ready()
        except LoadError as error:
            self.absent, self._lives = str(error), None

    # --- lives ---

    def begin_life(self, number: int) -> None:
        """Begin the life with this number of a race. Raises `Withdrawn`."""
        if self._lives is None:
            raise Withdrawn("absent", self.absent)
        try:
            self._lives.begin(number)
        except LoadError as error:
            raise Withdrawn("failed", str(error), ended_process=True) from None
        if self.calibrates and self._lives.are_lasting:
            self.request(Calibrate(self.threads), CALIBRATION_TIMEOUT_S)

    def end_life(self) -> None:
        """End the current life; a process that lasts forgets operands and outputs."""
        if self._lives is not None:
            self._release_operands()
            self._lives.end()

    @property
    def is_forked(self) -> bool:
        """True if its current life is a fork."""
        return self._lives is not None and self._lives.is_forked

    @property
    def has_lasting_lives(self) -> bool:
        """True if its lives are processes that take turns."""
        return self._lives is not None and self._lives.are_lasting

    def make_lives_lasting(self) -> None:
        """Keep the processes of its lives for later races: a first call in each life would take too long."""
        if self._lives is not None:
            self._lives.make_lasting()

    @cached_property
    def target(self) -> str:
        """Target that names the implementation in a command line."""
        return short_target_of(self.origin)

    @property
    def connection(self) -> Connection:
        """Connection with the process of the current life.

        Raises `Withdrawn` if there is none, or if the process failed too often.
        """
        if self._lives is None:
            raise Withdrawn("absent", self.absent)
        connection = self._lives.connection
        if connection.budget.failures >= MAX_PROCESS_FAILURES:
            raise Withdrawn("failed", f"not tried again after {connection.budget.failures} deaths of its process")
        return connection

    @property
    def declared_grade(self) -> str:
        """Accuracy that it declares: "A", "B" or "C"; "B" if it declares none."""
        return self.connection.description.grade or "B"

    @property
    def algorithm(self) -> str:
        """Algorithm that it declares, or empty."""
        if self._lives is None:
            return self.origin.declaration.algorithm if self.origin.declaration else ""
        return self._lives.description.algorithm

    # --- commands ---

    def timed_request(
        self, command: WorkerCommand[R] | Encoded[R], timeout_s: float, *, may_compile: bool = False
    ) -> tuple[R, float]:
        """Return the reply to a command, and the seconds until it came. Raises `Withdrawn`."""
        encoded = command if isinstance(command, Encoded) else encode(command)
        try:
            return self.connection.timed_request(encoded, timeout_s, may_compile=may_compile)
        except ProcessFailure as failure:
            reason = _failure_text(str(failure), failure.printed)
            raise Withdrawn("failed", reason, ended_process=True) from None
        except CommandRefused as refused:
            raise Withdrawn("declined" if refused.kind == "refused" else "failed", str(refused)) from None

    def request(self, command: WorkerCommand[R] | Encoded[R], timeout_s: float = CALL_TIMEOUT_S) -> R:
        """Return the reply to a command. Raises `Withdrawn`."""
        return self.timed_request(command, timeout_s)[0]

    def exclusion(self, problem: Problem) -> str:
        """Return the reason why a problem is outside the declared domain; "" if it is inside."""
        description = self.connection.description
        declared = domain_of(description.supports) & self.supports
        if declared.is_everything:
            return ""
        return declared.exclusion(fields_of(problem, prepared=description.prepares))

    def call(self, request: CallRequest) -> Observation:
        """Make one call, through ``prepare`` if there is one. Raises `Withdrawn` if there is no output."""
        description, problem = self.connection.description, request.work.problem
        if reason := self.exclusion(problem):
            raise Withdrawn("declined", reason)
        if description.dtypes and problem.dtype not in description.dtypes:
            dtypes = ", ".join(description.dtypes)
            raise Withdrawn("declined", f"{problem.dtype} is not among its dtypes: {dtypes}")
        if description.direction not in ("forward", request.work.direction):
            raise Withdrawn("declined", f"it computes {description.direction}: race it with --direction of that name")
        if request.work.wanted and description.direction == "forward" and description.framework != AUTOGRAD:
            raise Withdrawn("declined", f"{description.framework} arrays have no gradients here: they need {AUTOGRAD}")
        command = request.encoded(description.prepares)
        observation = self.timed_request(command, CALL_TIMEOUT_S, may_compile=True)[0].observation
        if observation.kind == "answer":
            return observation
        if observation.kind == "refused":
            raise Withdrawn("declined", observation.message)
        error = f"{observation.error[0]}: " if observation.error else ""
        raise Withdrawn("failed", error + observation.message)

    def calibrate(self) -> float:
        """Let it measure the machine, and return the seconds; 0 if it has nothing to measure.

        If that fails, `absent` is set to the reason.
        """
        if self._lives is None:
            return 0.0
        try:
            seconds = self.request(Calibrate(self.threads), CALIBRATION_TIMEOUT_S).seconds
        except Withdrawn as withdrawn:
            self._lives.close()
            self.absent, self._lives = f"its calibration failed: {withdrawn}", None
            return 0.0
        self.calibrates = seconds > 0
        return seconds

    def explanation(self, problem: Problem) -> str:
        """Return the explanation of the choice that the current life made for a problem, or an empty text."""
        if not self.explains:
            return ""
        with contextlib.suppress(Withdrawn):
            return self.request(Explain(problem.text)).text
        return ""

    def _release_operands(self) -> None:
        if self.has_lasting_lives:
            with contextlib.suppress(Withdrawn):
                if self.connection.pid:
                    self.request(ReleaseOperands())

    # --- the process of the current life ---

    def core(self) -> int | None:
        """Return the core that the process's first thread last ran on, or None if unknown. Source: proc(5)."""
        try:
            with open(f"/proc/{self.connection.answering_pid}/stat", encoding="utf-8", errors="replace") as file:
                return int(file.read().rpartition(")")[2].split()[36])  # field 39, without the first two
        except (OSError, IndexError, ValueError):
            return None

    def pin_to_core(self, core: int) -> None:
        """Restrict the process's first thread, which makes the calls, to one core, if the system can."""
        self._set_affinity({core})

    def unpin(self) -> None:
        """Let it run on all cores again that the engine may use."""
        if hasattr(os, "sched_getaffinity"):
            self._set_affinity(os.sched_getaffinity(0))

    def _set_affinity(self, cores: set[int]) -> None:
        if hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(self.connection.answering_pid, cores)

    def close(self) -> None:
        """End all processes."""
        if self._lives is not None:
            self._lives.close()


def _failure_text(message: str, printed: str) -> str:
    """Return the sentence on a failed process, with the last line that it printed."""
    lines = printed.strip().splitlines()
    return f"its process {message}" + (f"; last printed: {lines[-1][:MAX_LAST_LINE]}" if lines else "")
