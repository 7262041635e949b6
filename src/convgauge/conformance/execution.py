"""Execution of cases on a subject: operands, calls, observations."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from convgauge.conformance.cases import Case
from convgauge.conformance.directions import NO_GRADIENT, in_direction, sizes_of_result
from convgauge.conformance.history import CallLog, LoggedCall
from convgauge.conformance.invalid_calls import INVALID_CALLS
from convgauge.domain import EVERYTHING, Domain
from convgauge.problem import Problem
from convgauge.process.runner import Runner
from convgauge.reference import accuracy
from convgauge.reference.operands import Operands, draw
from convgauge.worker.call import Call, Observation
from convgauge.worker.layouts import REPEATED, first_along, repeated_axis

Transform = Callable[[Case, Operands], Operands]
"""Function that returns the operands of a case, given those drawn for it."""

INAPPLICABLE = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, AssertionError)
"""Raised by a spec's change of operands, or by its check, that does not fit a changed case."""


NO_OPERANDS = Operands(np.empty(0), np.empty(0), None)
"""Operands of a case that is declined: none are drawn."""


class Executed(NamedTuple):
    """A case, the operands of its call, and the observation of the call."""

    case: Case
    operands: Operands
    observation: Observation


@dataclass(frozen=True)
class CallOptions:
    """Options of the calls of a group of cases.

    Attributes
    ----------
    transform : Transform or None
        Change of the operands that are drawn for a case.
    fields : mapping
        Further fields of each `Call`. A function is called with the case and its operands and returns the value.
    is_pipelined : bool
        Send calls before earlier ones are answered. False if further calls are made between the cases.
    leaves_out_misfits : bool
        Leave out a case for which the transform and the fields cannot be computed, or give operands of other shapes.
    """

    transform: Transform | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_pipelined: bool = True
    leaves_out_misfits: bool = False

    @property
    def is_plain(self) -> bool:
        """True if a case determines its call."""
        return self.transform is None and all(getattr(_PLAIN, name) == value for name, value in self.fields.items())


_PLAIN = Call(np.empty(0), np.empty(0), None, {})


class Execution:
    """Execution of cases on one subject and device.

    The cases are made in the direction of the subject. A case outside the declared domain is declined without a call,
    also where a check makes further calls. The calls are added to ``log``, as those of ``spec``. ``before`` holds the
    calls that an earlier process made, if there was one.
    """

    def __init__(
        self,
        subject: Runner,
        device: str,
        declared: Domain = EVERYTHING,
        log: CallLog | None = None,
        spec: str = "",
        before: tuple[LoggedCall, ...] = (),
    ) -> None:
        self.subject, self.device, self.declared = subject, device, declared
        self.log, self.spec, self.before = log, spec, before
        self.declared_grade, self.direction = subject.description.grade, subject.description.direction

    def run(self, cases: Iterable[Case], options: CallOptions = CallOptions()) -> Iterator[Executed]:
        """Yield every case with its operands and its observation, in order."""
        if options.is_pipelined:
            yield from self._stream(cases, options)
            return
        for case in cases:
            yield from list(self._stream([case], options))

    def run_once(self, case: Case, options: CallOptions = CallOptions()) -> Executed:
        """Run a single case."""
        (executed,) = self._stream([case], options)
        return executed

    def observe(self, case: Case, operands: Operands) -> Observation:
        """Make the call of a case with the given operands and return its observation."""
        return self.run_once(case, CallOptions(lambda *_: operands)).observation

    def call(self, case: Case, operands: Operands, fields: Mapping[str, Any] | None = None) -> Call:
        """Return the call of a case, changed if the case names an invalid call."""
        dtype = case.problem.dtype
        further = {name: value(case, operands) if callable(value) else value for name, value in (fields or {}).items()}
        arguments = {**case.keywords(), **sizes_of_result(case.problem)}
        call = Call(
            operands.input, operands.weight, operands.bias, arguments, (dtype,) * 3, case.layouts, self.device,
            case.problem.text if case.prepared else "", is_valid=not case.invalid_call,
            spelled=tuple(name for name, value in case.arguments if value is not None), **further,
        )  # fmt: skip
        return INVALID_CALLS[case.invalid_call].change(call) if case.invalid_call else call

    def draw(self, case: Case) -> Operands:
        """Draw the operands of a case."""
        operands = draw(case.problem, case.operands, case.seed, self.headroom(case.problem))
        return _repeated(operands, case.layouts) if any(layout in REPEATED for layout in case.layouts) else operands

    def headroom(self, problem: Problem) -> float:
        """Return the factor by which exact operands stay below their limit: 1 for grade A."""
        return 1.0 if self.declared_grade == "A" else accuracy.integer_headroom(problem)

    def exclusion(self, case: Case) -> str:
        """Return the reason why a case is not called: it is outside the declared domain. Return "" if it is inside."""
        return "" if self.declared.is_everything else self.declared.exclusion(case.fields(self.device))

    def _stream(self, cases: Iterable[Case], options: CallOptions) -> Iterator[Executed]:
        declined: deque[Executed | None] = deque()  # those before the next call, which is None

        def calls() -> Iterator[tuple[tuple[Case, Operands, Call], Call]]:
            for each in cases:
                case = in_direction(each, self.direction)
                if case is None:
                    declined.append(Executed(each, NO_OPERANDS, Observation("unsupported", message=NO_GRADIENT)))
                    continue
                if reason := self.exclusion(case):
                    declined.append(Executed(case, NO_OPERANDS, Observation("declined", message=reason)))
                    continue
                try:
                    operands = self.draw(case)
                    if options.transform is not None:
                        operands = options.transform(case, operands)
                    call = self.call(case, operands, options.fields)
                except INAPPLICABLE:
                    if options.leaves_out_misfits:
                        continue
                    raise
                if options.leaves_out_misfits and not _fit(case.problem, operands):
                    continue
                declined.append(None)
                yield (case, operands, call), call

        for (case, operands, call), observation in self.subject.stream(calls()):
            if self.log is not None:
                self.log.add(LoggedCall(self.spec, case, call, observation, options.is_plain))
            while (before := declined.popleft()) is not None:
                yield before
            yield Executed(case, operands, observation)
        yield from filter(None, declined)


def _fit(problem: Problem, operands: Operands) -> bool:
    """Return True if operands have the shapes of a problem."""
    bias = () if operands.bias is None else operands.bias.shape
    expected = (problem.input_shape, problem.weight_shape, (problem.out_channels,) if problem.bias else ())
    return (operands.input.shape, operands.weight.shape, bias) == expected


def _repeated(operands: Operands, layouts: tuple[str, str, str]) -> Operands:
    """Return operands that repeat one element along the axis of their layout, if it is one of `REPEATED`."""
    input, weight, bias = operands.input, operands.weight, operands.bias
    return Operands(
        repeated(input, layouts[0]), repeated(weight, layouts[1]), None if bias is None else repeated(bias, layouts[2])
    )


def repeated(array: np.ndarray[Any, Any], layout: str) -> np.ndarray[Any, Any]:
    """Return an array that repeats one element along the axis of a layout, or the array if the layout repeats none."""
    axis = repeated_axis(layout, array.ndim)
    return array if axis is None else np.repeat(first_along(array, axis), array.shape[axis], axis)
