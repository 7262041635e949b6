"""Samples of mutants on real operands and on operands with planted values, for tests of mechanisms."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from functools import cache

from convgauge.diagnosis.mechanism import Mechanism, library
from convgauge.diagnosis.outcome import outcome
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.domain import fields_of
from convgauge.problem import Problem
from convgauge.process.in_process import InProcessSubject
from convgauge.reference.assessment import assess_accuracy
from convgauge.reference.compare import Fault, check_output
from convgauge.reference.operands import Operands, draw
from convgauge.worker.call import Call, Observation
from support.mutant_samples import declared

Plant = Callable[[Operands], Operands]


@dataclass(frozen=True)
class ValueCase:
    """A call: its problem, the family of its operands, their seed, and a change of them."""

    problem: Problem
    family: str = "gaussian"
    seed: int = 0
    plant: Plant | None = None


BASE = Problem(batch=2, in_channels=4, height=7, width=8, out_channels=5, kernel=(3, 3), padding=(1, 1), bias=True)


@cache
def subject(name: str) -> InProcessSubject:
    """Return a mutant or correct build."""
    return InProcessSubject(declared()[name].origin)


def observe_values(name: str, cases: Iterable[ValueCase]) -> list[Sample]:
    """Return the samples of a mutant; calls that it refuses are left out."""
    samples = (observe_value(name, case) for case in cases)
    return [sample for sample in samples if sample.observation.kind == "answer"]


@cache
def observe_value(name: str, case: ValueCase) -> Sample:
    """Return the sample of one call of a mutant."""
    implementation = subject(name)
    operands = draw(case.problem, case.family, case.seed)
    if case.plant is not None:
        operands = case.plant(operands)
    problem, grade = case.problem, implementation.description.grade
    call = Call(operands.input, operands.weight, operands.bias, problem.arguments, (problem.dtype,) * 3, is_valid=True)
    observation = implementation.observe(call)
    fields = {**fields_of(problem, problem.arguments), "family": case.family}
    fault = _fault(problem, operands, observation, case.family, grade)
    return Sample("", problem.text, problem, case.family, call, observation, fault, fields, grade)


def _fault(problem: Problem, operands: Operands, observation: Observation, family: str, grade: str) -> Fault | None:
    if observation.output is None:
        return Fault("errored", observation.message)
    if family == "exact":
        right = Plan.of(problem, operands.input, operands.weight, operands.bias).output()
        return check_output(observation.output, observation.dtype, right, problem.dtype, 0.0)
    return assess_accuracy(observation.output, problem, operands, grade).fault


def named(samples: list[Sample], share: float = 1.0, among: Container[str] | None = None) -> dict[str, Mechanism]:
    """Return the mechanisms that predict a share of the failing samples, without those that are too expensive.

    Parameters
    ----------
    samples : list of Sample
        Samples of one implementation; at least one fails.
    share : float
        Share of the failing samples that a mechanism must predict.
    among : container of str
        Slugs of the mechanisms to try; by default the whole library.
    """
    failing = [sample for sample in samples if sample.fault is not None]
    assert failing, "no sample fails"
    tried = [each for each in library(samples) if among is None or each.slug in among]
    return {each.slug: each for each in tried if _predicts(each, failing, share)}


def _predicts(mechanism: Mechanism, failing: list[Sample], share: float) -> bool:
    """Return True if a mechanism predicts a share of the samples; end at the first that makes this impossible."""
    fitting = misses = 0
    for sample in failing:
        result = outcome(mechanism, sample)
        fitting += result == "fits"
        misses += result not in ("fits", "unknown")
        if misses > (1 - share) * len(failing):
            return False
    return fitting > 0 and fitting >= share * (fitting + misses)
