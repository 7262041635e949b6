"""Prepared layers: what is done once per layer must not change what the layer computes."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.problem import Problem
from convgauge.reference import compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
from convgauge.worker.call import Observation

PREPARE = "convgauge: prepare(problem, weight, bias) -> run(input)"
TABLE = problems(
    kernel=[(1, 1), (3, 2), (3, 3), (5, 5)], stride=[(1, 1), (2, 1)], padding=[(0, 0), (1, 2)], bias=[True, False]
)
GROUPED = problems(in_channels=4, out_channels=8, groups=[1, 2, 4], dilation=[(1, 1), (2, 1)], kernel=[(3, 3)])


def prepared(judge: Judge, what: Iterable[Problem | Case] = (*TABLE, *GROUPED)) -> list[Case]:
    """Return the cases as calls through ``prepare``; skip the spec if there is none."""
    if not judge.description.prepares:
        judge.skip("has no prepare")
    return cases(what, prepared=True)


def turned(array: Array) -> Array:
    """Return an array of the same shape with other content."""
    return -array[..., ::-1, ::-1]


class Output(NamedTuple):
    """An output, the input and weight that it belongs to, and the message if it is wrong."""

    array: Array | None
    input: Array
    weight: Array
    message: str


def first_fault(judge: Judge, problem: Problem, bias: Array | None, outputs: Iterable[Output]) -> Fault | None:
    """Return the fault of the first output that is wrong, or None."""
    for output in outputs:
        if output.array is None:
            return Fault("failed", f"{output.message}: no output", kind="type")
        expected = oracle.answer(problem, Operands(output.input, output.weight, bias))
        fault = compare.check_values(output.array, expected, judge.tolerance(problem), output.message)
        if fault is not None:
            return fault
    return None


@spec("prepare.equals", source=PREPARE)
def test_prepared_layer(judge: Judge) -> None:
    """A prepared layer gives the answer of the plain call."""
    judge.exact(prepared(judge))


@spec("prepare.accuracy", source=PREPARE)
def test_prepared_layer_is_as_accurate(judge: Judge) -> None:
    """A prepared layer is as accurate as the plain call must be."""
    judge.accurate(prepared(judge, problems(in_channels=16, out_channels=8, kernel=[(1, 1), (3, 3), (5, 5)])))


@spec("prepare.several_inputs", source=PREPARE)
def test_several_inputs_through_one_layer(judge: Judge) -> None:
    """One prepared layer takes one input after the other; each answer is its input's own and stays as it is."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        x, w = operands.input, operands.weight
        outputs = [
            Output(observation.output, x, w, "the first output, read after two more calls, is wrong"),
            Output(observation.extra_outputs[0], turned(x), w, "the second input's output is wrong"),
            Output(observation.extra_outputs[1], x, w, "the first input's output is wrong the second time"),
        ]
        return first_fault(judge, case.problem, operands.bias, outputs)

    judge.satisfies(
        prepared(judge), check, mode="several_inputs", extra_operand=lambda case, operands: turned(operands.input)
    )


@spec("prepare.two_layers", source=PREPARE)
def test_two_layers_in_turns(judge: Judge) -> None:
    """Two layers prepared from one problem and different weights do not disturb each other."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        x, w = operands.input, operands.weight
        outputs = [
            Output(observation.output, x, w, "the first layer's output is wrong"),
            Output(observation.extra_outputs[0], x, turned(w), "the second layer's output is wrong"),
            Output(observation.extra_outputs[1], x, w, "the first layer's output is wrong after the second's"),
        ]
        return first_fault(judge, case.problem, operands.bias, outputs)

    judge.satisfies(
        prepared(judge), check, mode="two_layers", extra_operand=lambda case, operands: turned(operands.weight)
    )


@spec("prepare.overwritten", source=PREPARE)
def test_weight_overwritten_after_prepare(judge: Judge) -> None:
    """A layer whose weight is overwritten after preparing works with the old or the new, never with parts of both."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        assert observation.output is not None
        possible = [
            [Output(observation.output, operands.input, weight, "")]
            for weight in (operands.weight, turned(operands.weight))
        ]
        if any(first_fault(judge, case.problem, operands.bias, outputs) is None for outputs in possible):
            return None
        return compare.locate_fault(
            observation.output,
            oracle.answer(case.problem, operands),
            np.ones(observation.shape, bool),
            0.0,
            "the output belongs neither to the weight prepared nor to the one written over it",
        )

    judge.satisfies(
        prepared(judge), check, mode="overwritten", extra_operand=lambda case, operands: turned(operands.weight)
    )
