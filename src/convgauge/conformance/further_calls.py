"""Further calls of a diagnosis, made in a process that has answered no other call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from convgauge.conformance.cases import Case
from convgauge.conformance.checks import check_exact, is_unjudged, missing_output
from convgauge.conformance.counted import Counted
from convgauge.conformance.evidence import sample_of
from convgauge.conformance.execution import Executed, Execution
from convgauge.conformance.procedure import Procedure
from convgauge.diagnosis.sample import Sample
from convgauge.domain import Domain
from convgauge.problem import Problem
from convgauge.process.runner import Runner
from convgauge.reference.assessment import Assessment
from convgauge.registry import LoadError

Start = Callable[[], AbstractContextManager[Runner]]
"""Function that starts a fresh subject of the implementation. Raises `LoadError`."""


class FurtherCalls:
    """Function that calls an implementation on exact operands of some problems, and judges the outputs.

    Parameters
    ----------
    start : callable
        Function that starts the subject.
    device : str
        Device of the calls.
    declared : Domain
        Declared domain: a problem outside it is not called.
    seed : int
        Seed of the operands of the first problem; the other problems have the following seeds, equal ones the same.
    """

    def __init__(self, start: Start, device: str, declared: Domain, seed: int) -> None:
        self._start, self._device, self._declared, self._seed = start, device, declared, seed

    def __call__(self, problems: Sequence[Problem]) -> list[Sample]:
        """Return the samples of the problems that were answered; none if the implementation cannot be loaded."""
        try:
            with self._start() as subject:
                execution = Execution(subject, self._device, self._declared)
                dtypes = subject.description.dtypes
                seeds = {problem: self._seed + index for index, problem in enumerate(dict.fromkeys(problems))}
                due = [Case(p, seed=seeds[p]) for p in problems if p.dtype in dtypes]
                return list(self._samples(execution, due))
        except LoadError:
            return []

    def _samples(self, execution: Execution, due: Sequence[Case]) -> Iterator[Sample]:
        procedure = Procedure(lambda _: lambda *executed: _assess(Executed(*executed), execution.declared_grade))
        for executed in execution.run(due):
            if not is_unjudged(executed.observation):
                assessment = _assess(executed, execution.declared_grade)
                yield sample_of(Counted("", executed, assessment, procedure, execution), is_first=False)


def _assess(executed: Executed, declared_grade: str) -> Assessment:
    case, operands, observation = executed
    return Assessment(missing_output(observation) or check_exact(case, operands, observation, declared_grade))
