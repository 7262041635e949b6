"""History of calls: what a subject's process answered before a case, kept during a run."""

from __future__ import annotations

import functools
import threading
import weakref
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from convgauge.conformance.cases import Case
from convgauge.worker.call import Call, Observation

MAX_CALLS = 96
"""Latest calls of a process that are kept: `MAX_HISTORY`, and those that are answered before a case is counted."""

MAX_HISTORY = 48
"""Calls before a case that belong to its history, without the first ones of a weight shape."""

MAX_BYTES = 8 << 20
"""Operands and outputs of the latest calls that are kept of one process."""

MAX_FIRST_CALLS = 1 << 14
"""Shapes of weights, and shapes of all operands and the output, of which the first call is kept."""

MAX_FIRST_BYTES = 64 << 20
"""Operands and outputs of the first calls that are kept of one process."""


@dataclass(frozen=True, eq=False)
class LoggedCall:
    """A call that a process answered.

    Attributes
    ----------
    spec : str
        Id of the spec that made it.
    case : Case
        Case of the call.
    call : Call
        The call.
    observation : Observation
        What it did.
    is_plain : bool
        The case determines the call: its operands are those that are drawn for it.
    """

    spec: str
    case: Case
    call: Call
    observation: Observation
    is_plain: bool

    @functools.cached_property
    def size(self) -> int:
        """Bytes of its operands and its output."""
        arrays = (self.call.input, self.call.weight, self.call.bias, self.observation.output)
        return sum(array.nbytes for array in arrays if array is not None)


class CallLog:
    """Calls of one process in their order: the latest, and the first on each shape of a weight."""

    def __init__(self) -> None:
        self._latest: deque[LoggedCall] = deque()
        self._bytes = 0
        self._first: dict[Hashable, LoggedCall] = {}
        self._first_bytes = 0
        self.count = 0

    def add(self, logged: LoggedCall) -> None:
        """Add the latest call. A call that ended the process ends the history."""
        if logged.observation.kind in ("declined", "not_called"):
            return
        self.count += 1
        self._latest.append(logged)
        self._bytes += logged.size
        while len(self._latest) > MAX_CALLS or (self._bytes > MAX_BYTES and len(self._latest) > 1):
            self._bytes -= self._latest.popleft().size
        self._keep_first(logged)
        if _ends_process(logged):  # it is kept, to be found; those after it are of the next process
            self._first.clear()
            self._first_bytes = 0
            self._latest = deque([logged])
            self._bytes = logged.size

    def _keep_first(self, logged: LoggedCall) -> None:
        """Keep a call that is the first of its shapes."""
        new = [key for key in _keys(logged.case, logged.call) if key not in self._first]
        if new and len(self._first) < MAX_FIRST_CALLS and self._first_bytes + logged.size <= MAX_FIRST_BYTES:
            self._first_bytes += logged.size
            self._first.update(dict.fromkeys(new, logged))

    @property
    def plain_calls(self) -> list[LoggedCall]:
        """Those of the latest calls that were made on exact operands as they are drawn."""
        return [
            logged
            for logged in self._latest
            if logged.is_plain and logged.case.operands == "exact" and not logged.case.invalid_call
        ]

    def before(self, observation: Observation, *, max_bytes: int | None = None) -> tuple[LoggedCall, ...]:
        """Return the calls before that of an observation, the latest last; none if it is not among those kept.

        The first calls on the shape of its weight, and on its shapes, are among them, however long ago they were.

        Parameters
        ----------
        observation
            Observation of the call.
        max_bytes
            Bytes above which one of the latest calls is left out.
        """
        backwards = reversed(self._latest)
        current = next((logged for logged in backwards if logged.observation is observation), None)
        if current is None:
            return ()
        latest = [logged for logged in islice(backwards, MAX_HISTORY) if not _ends_process(logged)]
        before = [logged for logged in latest if max_bytes is None or logged.size <= max_bytes]
        for key in reversed(_keys(current.case, current.call)):
            first = self._first.get(key)
            if first is not None and first is not current and first not in before:
                before.append(first)
        return tuple(reversed(before))


def _ends_process(logged: LoggedCall) -> bool:
    return logged.observation.kind in ("crashed", "timed_out")


def _keys(case: Case, call: Call) -> tuple[Hashable, ...]:
    """Return the keys of first calls: the shape of the weight, that with its dtype, and all shapes."""
    shapes = call.input.shape, call.weight.shape, case.problem.output_shape, call.dtypes
    return call.weight.shape, weight_key(call), shapes


def weight_key(call: Call) -> Hashable:
    """Return the shape and the dtype of a call's weight."""
    return call.weight.shape, call.dtypes[1]


@dataclass
class SearchBudget:
    """Processes and time that searches for earlier calls may take for one implementation, and what they showed.

    Attributes
    ----------
    forks : int
        Processes that may still be forked.
    processes : int
        Processes that may still be started where none can be forked: each takes from 0.3 s to several seconds.
    left_s : float
        Seconds that are left.
    has_state : bool
        An outcome differed between two processes.
    is_state_proven : bool
        The earlier calls of a process decide an outcome, and not chance.
    """

    forks: int = 240
    processes: int = 12
    left_s: float = 16.0
    has_state: bool = False
    is_state_proven: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def spend(self, seconds: float, *, forks: int = 0, processes: int = 0) -> None:
        """Subtract what a search took."""
        with self.lock:
            self.left_s -= seconds
            self.forks -= forks
            self.processes -= processes


class Histories:
    """Logs of the processes of an implementation, by subject, and the budget of searches in them."""

    def __init__(self) -> None:
        self._logs: dict[int, tuple[weakref.ref[Any], CallLog]] = {}
        self.budget = SearchBudget()

    def of(self, subject: object) -> CallLog:
        """Return the log of a subject, which is forgotten with the subject."""
        key = id(subject)
        if key not in self._logs:
            self._logs[key] = weakref.ref(subject, lambda _: self._logs.pop(key, None)), CallLog()
        return self._logs[key][1]
