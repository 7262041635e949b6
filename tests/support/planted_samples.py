"""Samples of planted faults: kernels that compute the plan of each call with a change."""

from __future__ import annotations

from collections.abc import Callable

from convgauge.diagnosis.plan import NoOutputError, Plan
from convgauge.diagnosis.sample import Sample
from convgauge.domain import fields_of
from convgauge.problem import Problem
from convgauge.reference.compare import Fault as Wrong
from convgauge.reference.compare import check_output
from convgauge.reference.operands import draw
from convgauge.worker.call import Call, Observation

Fault = Callable[[Plan], Plan]


def answered(fault: Fault, problem: Problem, seed: int = 0) -> Sample:
    """Return the sample of a kernel that computes the plan of each call with a fault."""
    operands = draw(problem, "exact", seed)
    right = Plan.of(problem, operands.input, operands.weight, operands.bias)
    call = Call(
        operands.input, operands.weight, operands.bias, problem.arguments, (problem.dtype,) * 3, is_valid=True
    )  # fmt: skip
    wrong: Wrong | None
    try:
        output = fault(right).output()
    except NoOutputError:
        observation = Observation("raised", error=("ValueError", "Exception"), message="the kernel is too large")
        wrong = Wrong("errored", "raised ValueError", kind="raised")
    else:
        observation = Observation("answer", output, problem.dtype)
        wrong = check_output(output, problem.dtype, right.output(), problem.dtype, 0.0)
    return Sample("a.spec", problem.text, problem, "exact", call, observation, wrong, fields_of(problem))
