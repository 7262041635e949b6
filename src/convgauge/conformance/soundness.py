"""Soundness of a case: a sound implementation passes the check that judges it.

A case that a program has changed, by reduction or by drawing it again, may no longer be one of which the statement of
its spec holds. Such a case fails for every implementation. It is found by giving its check the answers of the oracle.

The oracle answers plain and prepared calls, those of laws, and the call modes of every framework. The modes of torch
are answered by F.conv2d in a process of its own. Without torch, and for an operand family or a dtype that F.conv2d does
not have, nothing is known: the case is accepted, and only the needs of its spec guard it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np

from convgauge.arguments import resolve
from convgauge.conformance.cases import Case
from convgauge.conformance.execution import INAPPLICABLE, Execution
from convgauge.conformance.procedure import Procedure
from convgauge.dtypes import DTYPES, round_to
from convgauge.problem import Problem
from convgauge.process.by_width import start_subject
from convgauge.process.runner import Limits, Runner, Token
from convgauge.reference import oracle
from convgauge.reference.operands import Array, Operands
from convgauge.registry import LoadError, builtins
from convgauge.terms import Profile
from convgauge.worker.call import Call, Description, Observation

REFERENCES = {"torch": "torch_conv2d"}
"""Built-in implementations that answer the call modes of their framework."""


def accepts_oracle(procedure: Procedure, case: Case, execution: Execution, profile: Profile = "functional") -> bool:
    """Return True if a case has what its spec needs, and a sound implementation passes its check.

    Parameters
    ----------
    procedure : Procedure
        Treatment of the case: its calls and its check.
    case : Case
        Case, which the subject of ``execution`` need not have been called with.
    execution : Execution
        Execution whose subject is judged; it is not called.
    profile : Profile
        Profile of the run.
    """
    if not procedure.allows(case):
        return False
    sound = Execution(OracleSubject(execution.subject.description), execution.device)
    try:
        executed = sound.run_once(case, procedure.options)
        return procedure.assess(executed, sound.observe, profile).fault is None
    except INAPPLICABLE:
        return False


@dataclass(frozen=True)
class OracleSubject:
    """Runner that answers calls as the oracle does.

    Attributes
    ----------
    description : Description
        Description of the implementation whose place it takes.
    """

    description: Description

    def stream(self, calls: Iterable[tuple[Token, Call]]) -> Iterator[tuple[Token, Observation]]:
        """Yield the token of each call with its observation, in order."""
        for token, call in calls:
            yield token, self.observe(call)

    def observe(self, call: Call) -> Observation:
        """Return the answer of a call; an error if the call is one, "unsupported" if the answer is not known."""
        if call.mode not in _ANSWERS:
            reference = _reference(self.description.framework)
            return Observation("unsupported", message="not known") if reference is None else reference.observe(call)
        try:
            output, *extra_outputs = _ANSWERS[call.mode](call)
        except (TypeError, ValueError, AttributeError) as error:
            return Observation("raised", error=(type(error).__name__,), message=str(error))
        return Observation("answer", output, _dtype(call), extra_outputs=list(extra_outputs))

    def second(self) -> Runner:
        """Return this runner: there is no process."""
        return self

    def can_fork(self) -> bool:
        """Return True: this runner has no state."""
        return True

    def fresh(self) -> AbstractContextManager[Runner]:
        """Return a context with this runner: there is no process."""
        return nullcontext(self)

    def new_process(self) -> AbstractContextManager[Runner | None]:
        """Return a context with this runner: there is no process."""
        return nullcontext(self)

    def fork(self) -> bool:
        """Return True: this runner has no state."""
        return True

    def end(self) -> None:
        """Do nothing: there is no process."""

    def wait_ready(self) -> None:
        """Return at once: there is no process."""

    def cancel(self) -> None:
        """Do nothing: calls return at once."""

    def close(self) -> None:
        """Do nothing: there is no process."""


# --- answers of the oracle -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shape:
    """Shape and dtype of an operand, from which `resolve` reads the problem of a call."""

    shape: tuple[int, ...]
    dtype: str


def _answer(call: Call, input: Array, weight: Array) -> Array:
    """Return the output of a call with the given input and weight. Raises as `resolve` does."""
    problem = Problem.parse(call.prepared) if call.prepared else _problem_of(call, input.shape, weight.shape)
    if problem.input_shape != input.shape or problem.weight_shape != weight.shape:
        raise ValueError("the gradient of the output has another shape than the output")
    with np.errstate(all="ignore"):
        return round_to(oracle.answer(problem, Operands(input, weight, call.bias)), _dtype(call))


def _problem_of(call: Call, input: tuple[int, ...], weight: tuple[int, ...]) -> Problem:
    """Return the problem that a call poses, given the shapes of its operands. Raises as `resolve` does."""
    dtype, arguments = _dtype(call), dict(call.arguments)
    input, weight = arguments.pop("input_size", input), arguments.pop("weight_size", weight)
    bias = None if call.bias is None else _Shape(call.bias.shape, dtype)
    problem = resolve(_Shape(input, dtype), _Shape(weight, dtype), bias, **arguments)
    return problem.replace(direction=call.direction)


def _dtype(call: Call) -> str:
    """Return the dtype of the output: the widest of the operands'."""
    return max(call.dtypes, key=lambda name: DTYPES[name].digits)


def _plain(call: Call) -> list[Array]:
    return [_answer(call, call.input, call.weight)]


def _extra(call: Call) -> Array:
    if call.extra_operand is None:
        raise ValueError(f"the mode {call.mode} has no extra operand")
    return call.extra_operand


def _several_problems(call: Call) -> list[Array]:
    """Return the outputs of the call, of a smaller input, and of a stride of twice the size."""
    rows, columns = call.arguments["stride"]
    wider = replace(call, arguments={**call.arguments, "stride": (2 * rows, 2 * columns)})
    return [
        _answer(call, call.input, call.weight),
        _answer(call, call.input[:, :, 1:, 1:], call.weight),
        _answer(wider, call.input, call.weight),
    ]


_ANSWERS: dict[str, Callable[[Call], list[Array]]] = {
    "": _plain,
    "by_keyword": _plain,
    "by_position": _plain,
    "without_bias": _plain,
    "numpy_integers": _plain,
    "overwritten": _plain,
    "thread_counts": _plain,
    "addresses": _plain,
    "one_array": lambda call: [_answer(call, call.input, call.input)],
    "several_problems": _several_problems,
    "several_inputs": lambda call: [
        _answer(call, input, call.weight) for input in (call.input, _extra(call), call.input)
    ],
    "two_layers": lambda call: [
        _answer(call, call.input, weight) for weight in (call.weight, _extra(call), call.weight)
    ],
    "unbatched": lambda call: [_answer(call, call.input[:1], call.weight)[0]],
}
"""Outputs of the modes that the oracle answers: that of the call, then the further ones."""


# --- answers of a reference implementation ---------------------------------------------------------------------------


class _Owner:
    """Object that lives as long as its thread."""


class _References(threading.local):
    """Reference implementations of the calling thread: a process ends with the thread that started it."""

    def __init__(self) -> None:
        self.owner = _Owner()
        self.runners: dict[str, Runner | None] = {}
        weakref.finalize(self.owner, _close, self.runners)


def _close(runners: dict[str, Runner | None]) -> None:
    for runner in runners.values():
        if runner is not None:
            runner.close()


_references = _References()


def _reference(framework: str) -> Runner | None:
    """Return the reference implementation of a framework, started at its first use, or None if there is none."""
    runners = _references.runners
    if framework not in runners:
        runners[framework] = _started(framework)
    return runners[framework]


def _started(framework: str) -> Runner | None:
    origin = builtins().get(REFERENCES.get(framework, ""))
    if origin is None or origin.absent:
        return None
    try:
        runner = start_subject(origin, Limits())
        runner.wait_ready()
    except LoadError:
        return None
    return runner
