"""Search for the earlier calls without which a case passes, by making calls again in processes that made none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from convgauge.conformance.counterexample import NOT_BY_ITSELF
from convgauge.conformance.delta_debugging import ExhaustedError, shortest
from convgauge.conformance.execution import Executed, Execution
from convgauge.conformance.history import LoggedCall, weight_key
from convgauge.conformance.replay import EarlierCall, judge_again, make_again
from convgauge.conformance.setting import Setting
from convgauge.process.runner import Runner
from convgauge.reference.compare import Fault
from convgauge.worker.call import Call

MAX_TRIALS = 40
"""Processes of one search where they are forked: a fork takes about 10 ms."""

MAX_SEARCH_S = 8.0
"""Seconds of one search, for kernels that are slow or whose process is slow to start."""

CONFIRMATIONS = 6
"""Processes in which a case fails after the needed calls, and in which it passes without them, to exclude chance."""

MAX_REPEATS = 200
"""Equal calls after which a case is tried, to find a kernel that counts its calls."""

AT_RANDOM = "at random: the same calls fail in one process and pass in another"
WITH_OPERANDS = "with the operands that the whole spec gives it"

AssessFault = Callable[[Executed, Execution], "Fault | None"]
"""Function of a case that was run and its execution that returns its fault."""


@dataclass(frozen=True)
class Failure:
    """A case that failed.

    Attributes
    ----------
    executed : Executed
        Its operands and observation.
    call : Call
        Its call.
    fault : Fault
        Its fault.
    history : tuple of LoggedCall
        Calls that its process had answered before.
    has_changed_operands : bool
        Its spec changes the operands that are drawn for it.
    spec : str
        Id of the spec.
    """

    executed: Executed
    call: Call
    fault: Fault
    history: tuple[LoggedCall, ...]
    has_changed_operands: bool
    spec: str


@dataclass(frozen=True)
class Dependence:
    """Result of a search.

    Attributes
    ----------
    remark : str
        Clause on what the case depends on: "after a call with the same weight shape".
    after : tuple of EarlierCall
        Earlier calls that are to be made again; empty if they have no text form.
    """

    remark: str
    after: tuple[EarlierCall, ...] = ()


@dataclass
class Search:
    """Search for the earlier calls that a failing case needs.

    Parameters
    ----------
    failure : Failure
        The case.
    subject : Runner
        Subject whose fresh processes are used.
    execution : Execution
        Execution in which the case failed.
    assess : callable
        Function that returns the fault of a case.
    setting : Setting
        Setting of the judge.
    """

    failure: Failure
    subject: Runner
    execution: Execution
    assess: AssessFault
    setting: Setting
    _trials: int = 0
    _max_trials: int = 0
    _deadline: float = 0.0
    _outcomes: dict[tuple[int, ...], bool] = field(default_factory=dict)

    def run(self) -> Dependence:
        """Return what the case depends on."""
        budget, started = self.setting.histories.budget, time.monotonic()
        budget.has_state = True
        forks = self.subject.can_fork()
        self._deadline = started + min(budget.left_s, MAX_SEARCH_S)
        self._max_trials = min(MAX_TRIALS, budget.forks) if forks else budget.processes
        try:
            return self._find()
        except ExhaustedError:
            return Dependence(NOT_BY_ITSELF)
        finally:
            budget.spend(time.monotonic() - started, forks=self._trials * forks, processes=self._trials * (not forks))

    def _find(self) -> Dependence:
        if self.failure.has_changed_operands and all(self._fails_now(()) for _ in range(CONFIRMATIONS)):
            return Dependence(WITH_OPERANDS)
        needed = self._needed()
        if needed is None:
            return self._after_repeats()
        if not self._is_repeatable(needed):
            return Dependence(AT_RANDOM)
        self.setting.histories.budget.is_state_proven |= self._excludes_chance
        after = next(filter(self._fails_after, spellings(needed)), ())
        return Dependence(f"only after {describe(needed, self.failure.call)}", after)

    def _needed(self) -> list[LoggedCall] | None:
        """Return the shortest part of the history after which the case fails; None if it passes after all of it."""
        history = self.failure.history
        for single in likely(history, self.failure.call):
            if self._fails([single]):
                return [single]
        if not history or not self._fails(history):
            return None
        return shortest(history, self._fails)

    def _is_repeatable(self, needed: Sequence[LoggedCall]) -> bool:
        """Return True if the case fails after the needed calls each time, and passes each time without them.

        A kernel that fails in half of its calls by chance passes this once in 2^(2 * `CONFIRMATIONS`) searches. Once
        the implementation is known to have a state, one more process of each kind is enough.
        """
        times = range(CONFIRMATIONS if self._excludes_chance else 1)
        return all(self._fails_now(needed) for _ in times) and not any(self._fails_now(()) for _ in times)

    @property
    def _excludes_chance(self) -> bool:
        """True if chance is to be excluded: processes are forked, and no state is proven yet."""
        return self.subject.can_fork() and not self.setting.histories.budget.is_state_proven

    def _after_repeats(self) -> Dependence:
        """Return the number of equal calls after which the case fails."""
        count = self._repeats()
        if count is None:
            return Dependence(NOT_BY_ITSELF)
        if not count or any(self._repeats() != count for _ in range(CONFIRMATIONS)):
            return Dependence(AT_RANDOM)
        case = self.failure.executed.case
        ways = [EarlierCall(case, spec, count) for spec in ("", self.failure.spec)]
        after = next(((way,) for way in ways if self._fails_after((way,))), ())
        return Dependence(f"only after {count} earlier calls", after)

    def _repeats(self) -> int | None:
        """Return the number of calls of the case before the one that fails; None if none fails."""
        self._count_trial()
        case, operands, _ = self.failure.executed
        with self.subject.fresh() as runner:
            execution = self._execution(runner)
            for count in range(MAX_REPEATS):
                observation = runner.observe(self.failure.call)
                if self._is_fault(self.assess(Executed(case, operands, observation), execution)):
                    return count
                if time.monotonic() > self._deadline:
                    break
        return None

    # --- trials ---

    def _fails(self, earlier: Sequence[LoggedCall]) -> bool:
        """Return True if the case fails after some calls, in a fresh process; each sequence is tried once."""
        key = tuple(map(id, earlier))
        if key not in self._outcomes:
            self._outcomes[key] = self._fails_now(earlier)
        return self._outcomes[key]

    def _fails_now(self, earlier: Sequence[LoggedCall]) -> bool:
        self._count_trial()
        case, operands, _ = self.failure.executed
        with self.subject.fresh() as runner:
            for _ in runner.stream((None, logged.call) for logged in earlier):
                pass
            observation = runner.observe(self.failure.call)
            return self._is_fault(self.assess(Executed(case, operands, observation), self._execution(runner)))

    def _fails_after(self, earlier: Sequence[EarlierCall]) -> bool:
        """Return True if the case fails after the text form of some calls, as ``reproduce`` runs it."""
        self._count_trial()
        case, device = self.failure.executed.case, self.execution.device
        with self.subject.fresh() as runner:
            make_again(earlier, runner, device, self.setting)
            return judge_again(self.failure.spec, case, runner, device, self.setting) == self.failure.fault.status

    def _execution(self, runner: Runner) -> Execution:
        return Execution(runner, self.execution.device, self.execution.declared)

    def _is_fault(self, fault: Fault | None) -> bool:
        return fault is not None and not fault.not_called and fault.status == self.failure.fault.status

    def _count_trial(self) -> None:
        """Count a process. Raises `ExhaustedError`."""
        if self._trials >= self._max_trials or time.monotonic() > self._deadline:
            raise ExhaustedError
        self._trials += 1


def likely(history: Sequence[LoggedCall], call: Call) -> Iterator[LoggedCall]:
    """Yield the calls of a history on which a call most often depends: the first and the last on its weight's shape."""
    same_shape = [logged for logged in history if weight_key(logged.call) == weight_key(call)]
    chosen = dict.fromkeys((*same_shape[:1], *same_shape[-1:], *history[-1:]))
    yield from chosen


def spellings(needed: Sequence[LoggedCall]) -> Iterator[tuple[EarlierCall, ...]]:
    """Yield text forms of calls, the simplest first: plain calls of their cases, then those of their specs."""
    plain = tuple(EarlierCall(logged.case) for logged in needed)
    by_spec = tuple(EarlierCall(logged.case, logged.spec) for logged in needed)
    mixed = tuple(p if logged.is_plain else s for p, s, logged in zip(plain, by_spec, needed, strict=True))
    yield from dict.fromkeys((plain, mixed, by_spec))


def describe(needed: Sequence[LoggedCall], call: Call) -> str:
    """Return earlier calls in words, by what the last of them shares with a call."""
    if len(needed) > 1:
        return f"{len(needed)} earlier calls"
    logged = needed[0]
    if logged.observation.kind in ("raised", "refused"):
        return "a call that raised"
    return f"a call with {shared(logged.call, call)}"


def shared(first: Call, second: Call) -> str:
    """Return what two calls share, in words."""
    operands = [_equal(a, b) for a, b in zip(_operands(first), _operands(second), strict=True)]
    shapes = [_shape(a) == _shape(b) for a, b in zip(_operands(first), _operands(second), strict=True)]
    has_same_arguments = repr(first.arguments) == repr(second.arguments)
    has_same_dtypes = first.dtypes == second.dtypes
    if all(operands) and has_same_dtypes:
        return "the same operands and arguments" if has_same_arguments else "the same operands and other arguments"
    if all(shapes) and has_same_arguments and has_same_dtypes:
        others = [name for name, equal in zip(("input", "weight", "bias"), operands, strict=True) if not equal]
        return f"the same problem and {f'another {others[0]}' if len(others) == 1 else 'other operands'}"
    if operands[0] and has_same_dtypes:
        return "the same input"
    if shapes[1] and first.dtypes[1] == second.dtypes[1]:
        return "the same weight shape"
    return "the same input shape" if shapes[0] and has_same_dtypes else "another problem"


def _operands(call: Call) -> tuple[np.ndarray | None, ...]:
    return call.input, call.weight, call.bias


def _shape(array: np.ndarray | None) -> tuple[int, ...] | None:
    return None if array is None else array.shape


def _equal(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second, equal_nan=first.dtype.kind in "fc" and second.dtype.kind in "fc")
