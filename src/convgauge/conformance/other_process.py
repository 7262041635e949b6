"""Cases that are judged in another process, after calls of an earlier one: in a second process, or in a forked child.

The second process is started after the first has ended. An implementation that keeps answers, weights or plans on disk
answers with those of the first process if their key leaves something out. A forked child has the memory of the process
that made the earlier calls, and none of its threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from convgauge.conformance.cases import Case
from convgauge.conformance.execution import CallOptions, Executed, Execution
from convgauge.conformance.history import CallLog, LoggedCall
from convgauge.process.runner import Runner
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.terms import FaultKind
from convgauge.text import counted

REPEATS = 2
"""Further calls of a failing case, which fail as well if the process is the reason, and not chance."""

PROCESS_FAULTS: tuple[FaultKind, ...] = ("other_process", "forked_child")
"""Kinds of the faults that are due to a process."""

ENDINGS = ("crashed", "timed_out", "not_called")

NO_PROCESSES = "an implementation in the process of the suite has no other process"
NO_FORK = "its process has a pool of threads or a driver that is not documented to work in a forked child"


class NoProcessError(Exception):
    """There is no other process in which cases can be judged; the message is the reason."""


@dataclass(frozen=True)
class OtherProcess:
    """Process in which cases are judged after the calls of an earlier one.

    Attributes
    ----------
    calls_before : callable
        Function that returns the cases that the earlier process is called with before a case.
    is_fork : bool
        The process is a forked child of the earlier one. False if it is started after the earlier one has ended.
    """

    calls_before: Callable[[Case], Sequence[Case]]
    is_fork: bool = False

    @contextmanager
    def execution(self, usual: Execution, cases: Sequence[Case]) -> Iterator[Execution]:
        """Yield the execution of some cases in the other process, after the earlier process has made its calls.

        Parameters
        ----------
        usual : Execution
            Execution in the process of all other specs.
        cases : sequence of Case
            The cases.

        Raises
        ------
        NoProcessError
            If there is no such process.
        LoadError, Cancelled
            If the implementation cannot be loaded again, or its subject is cancelled.
        """
        log = CallLog()
        with usual.subject.new_process() as first:
            if first is None:
                raise NoProcessError(NO_PROCESSES)
            before = self._make_calls(_in(first, usual, log), cases)
            if self.is_fork:
                if not first.fork():
                    raise NoProcessError(NO_FORK)
                yield _in(first, usual, log, before)
                return
            first.end()
        with usual.subject.new_process() as second:
            assert second is not None
            yield _in(second, usual, CallLog(), before)

    def _make_calls(self, execution: Execution, cases: Sequence[Case]) -> tuple[LoggedCall, ...]:
        """Make the calls before some cases, up to one that ends the process; return them."""
        due = list(dict.fromkeys(before for case in cases for before in self.calls_before(case)))
        calls: list[LoggedCall] = []
        for case, operands, observation in execution.run(due):
            call = execution.call(case, operands)
            if observation.kind != "declined":
                calls.append(LoggedCall(execution.spec, case, call, observation, is_plain=True))
            if observation.kind in ENDINGS:
                break
        return tuple(calls)


def _in(runner: Runner, usual: Execution, log: CallLog, before: tuple[LoggedCall, ...] = ()) -> Execution:
    """Return the execution in another process that has the device, the domain and the spec of the usual one."""
    return Execution(runner, usual.device, usual.declared, log, usual.spec, before)


@dataclass(frozen=True)
class Attribution:
    """Decision if a case fails because of the process in which it is judged.

    It does if the same case passes in the process of all other specs, and if the earlier process was right in all its
    calls. If that is itself later than the process of all other
    specs and wrong, an even earlier process may be the reason: then the latest calls of the latter are right.

    Attributes
    ----------
    options : CallOptions
        Options of the calls.
    is_fork : bool
        The process is a forked child.
    usual, other : Execution
        Executions in the process of all other specs, and in the one that is judged.
    fault_of : callable
        Function that returns the fault of a case that was run.
    """

    options: CallOptions
    is_fork: bool
    usual: Execution
    other: Execution
    fault_of: Callable[[Executed], Fault | None]

    def attributed(self, executed: Executed, fault: Fault) -> Fault:
        """Return the fault of a case, of a kind of its own if it is due to the process. Raises `Cancelled`."""
        if fault.not_called or fault.status == "vacuous" or not self._is_repeated(executed):
            return fault
        if self.fault_of(self.usual.run_once(executed.case, self.options)) is not None:
            return fault  # an ordinary one, of operands that the earlier process was not called with
        if self.is_fork and self._is_earlier_right:
            return self.due_to("forked_child", fault)
        return self.due_to("other_process", fault) if self._is_earlier_right or self._is_usual_right else fault

    def due_to(self, kind: FaultKind, fault: Fault) -> Fault:
        """Return a fault as one of a kind of `PROCESS_FAULTS`."""
        calls = counted(len(self.other.before), "call")
        where = f"in a process that was started after another one had made {calls}"
        if kind == "forked_child":
            where = f"in a child that was forked after {calls}"
        return replace(fault, message=f"{fault.message} {where}", kind=kind)

    def _is_repeated(self, executed: Executed) -> bool:
        """Return True if a case fails each time. After the end of a process, there is none that might fail again."""
        if executed.observation.kind in ENDINGS:
            return True
        return all(self.fault_of(self.other.run_once(executed.case, self.options)) for _ in range(REPEATS))

    @cached_property
    def _is_earlier_right(self) -> bool:
        """True if the process before was right in all its calls."""
        return self._are_right(self.other.before)

    @cached_property
    def _is_usual_right(self) -> bool:
        """True if the process of all other specs was right in its latest calls."""
        return self.usual.log is not None and self._are_right(self.usual.log.plain_calls)

    def _are_right(self, calls: Iterable[LoggedCall]) -> bool:
        """Return True if there are answers among some calls, and all are right."""
        answered = [logged for logged in calls if logged.observation.kind not in ("refused", "raised", "unsupported")]
        return bool(answered) and not any(self.fault_of(_executed(logged)) for logged in answered)


def _executed(logged: LoggedCall) -> Executed:
    call = logged.call
    return Executed(logged.case, Operands(call.input, call.weight, call.bias), logged.observation)
