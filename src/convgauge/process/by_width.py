"""Subject in two processes: one for dtypes that its framework supports by default, one for wide dtypes.

JAX has 64-bit types only if they are enabled, for the whole process and before anything else. Enabled, they change what
a kernel for float32 computes: an array that is made without a dtype is then of float64. So a call with a 64-bit dtype
goes to a process that enables them, and any other to a process with the defaults.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from convgauge.process.client import IsolatedSubject
from convgauge.process.failures import Cancelled, FailureBudget
from convgauge.process.in_process import InProcessSubject
from convgauge.process.runner import Limits, Runner, Token
from convgauge.registry import LoadError, Origin
from convgauge.worker.call import Call, Description, Observation
from convgauge.worker.frameworks import ADAPTERS

NO_VARIABLES: Mapping[str, str] = {}


def wide_variables(origin: Origin) -> Mapping[str, str]:
    """Return the variables that enable the wide dtypes of an implementation's framework; empty if it needs none."""
    adapter = ADAPTERS.get(_framework(origin))
    return NO_VARIABLES if adapter is None else adapter.wide_variables


def wide_dtypes(origin: Origin) -> Collection[str]:
    """Return the dtypes that `wide_variables` enable."""
    adapter = ADAPTERS.get(_framework(origin))
    return () if adapter is None else adapter.wide_dtypes


def _framework(origin: Origin) -> str:
    return origin.declaration.framework if origin.declaration else origin.framework


class SubjectByWidth:
    """A `Runner` whose calls with wide dtypes are made in a process of their own, which the first of them starts.

    Parameters
    ----------
    start : callable
        Function that starts a subject with the given variables in the environment of its process.
    origin : Origin
        The implementation.
    """

    def __init__(self, start: Callable[[Mapping[str, str]], IsolatedSubject], origin: Origin) -> None:
        self._start, self._origin = start, origin
        self._wide_dtypes = frozenset(wide_dtypes(origin))
        self._narrow: IsolatedSubject = start(NO_VARIABLES)
        self._wide: IsolatedSubject | None = None
        self._second: SubjectByWidth | None = None
        self._is_cancelled = False

    @property
    def description(self) -> Description:
        """Description of the implementation, once it is loaded."""
        return self._narrow.description

    def wait_ready(self) -> None:
        """Wait until the implementation is loaded. Raises `LoadError`."""
        self._narrow.wait_ready()

    def observe(self, call: Call) -> Observation:
        """Make one call."""
        ((_, observation),) = self.stream([(None, call)])
        return observation

    def stream(self, calls: Iterable[tuple[Token, Call]]) -> Iterator[tuple[Token, Observation]]:
        """Make the calls in their order and yield the token of each with its observation."""
        for is_wide, group in itertools.groupby(calls, lambda pair: not self._wide_dtypes.isdisjoint(pair[1].dtypes)):
            stream = self._wide_stream if is_wide else self._narrow.stream
            yield from stream(group)

    def _wide_stream(self, calls: Iterable[tuple[Token, Call]]) -> Iterator[tuple[Token, Observation]]:
        """Make calls with wide dtypes; if the implementation cannot be loaded with them, they are not supported."""
        try:
            subject = self._wide_subject()
        except LoadError as error:
            message = f"it cannot be loaded with 64-bit types: {error}"
            return ((token, Observation("unsupported", message=message)) for token, _ in calls)
        return subject.stream(calls)

    def _wide_subject(self) -> IsolatedSubject:
        """Return the subject for wide dtypes. Raises `LoadError` or `Cancelled`."""
        if self._wide is None:
            self._wide = self._start(wide_variables(self._origin))
            self._wide.wait_ready()
        if self._is_cancelled:  # `cancel` may not have seen the subject
            raise Cancelled
        return self._wide

    def second(self) -> Runner:
        """Return a subject that has not made the calls of this one. Raises `LoadError`."""
        if self._second is None:
            self._second = SubjectByWidth(self._start, self._origin)
            self._second.wait_ready()
        if self._is_cancelled:
            raise Cancelled
        return self._second

    def can_fork(self) -> bool:
        """Return False: the threads of JAX do not survive a fork."""
        return False

    @contextmanager
    def fresh(self) -> Iterator[Runner]:
        """Yield a subject that has answered no call. Raises `LoadError` or `Cancelled`."""
        subject = SubjectByWidth(self._start, self._origin)
        try:
            subject.wait_ready()
            if self._is_cancelled:
                raise Cancelled
            yield subject
        finally:
            subject.close()

    def new_process(self) -> AbstractContextManager[Runner | None]:
        """Return a context with a subject in processes that are started now. Raises as `fresh`."""
        return self.fresh()

    def fork(self) -> bool:
        """Return False: the threads of JAX do not survive a fork."""
        return False

    def end(self) -> None:
        """End the processes as a program ends. Raises `Cancelled`."""
        for subject in (self._narrow, self._wide):
            if subject is not None:
                subject.end()

    def cancel(self) -> None:
        """Let calls under way, and all later ones, raise `Cancelled`. Another thread may call this method."""
        self._is_cancelled = True
        for subject in (self._narrow, self._wide, self._second):
            if subject is not None:
                subject.cancel()

    def close(self) -> None:
        """End the processes."""
        for subject in (self._narrow, self._wide, self._second):
            if subject is not None:
                subject.close()
        self._wide = self._second = None


def start_subject(
    origin: Origin,
    limits: Limits,
    *,
    isolated: bool = True,
    python: str = sys.executable,
    seed: int = 0,
    budget: FailureBudget | None = None,
    refusals: tuple[str, ...] = (),
) -> Runner:
    """Start the subject of ``origin``, in a worker process or two, or in this one. Raises `LoadError`."""
    if not isolated:
        return InProcessSubject(origin, refusals)
    budget = budget or FailureBudget()

    def start(variables: Mapping[str, str]) -> IsolatedSubject:
        return IsolatedSubject(origin, limits, python, seed, budget, refusals, variables)

    return SubjectByWidth(start, origin) if wide_variables(origin) else start(NO_VARIABLES)
